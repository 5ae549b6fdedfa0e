/** What PHP's `unserialize` would make, as data: nothing of PHP's is made or called. */
import { budget, depthMax } from '../pickle/python.ts'
import { textOf } from '../pickle/text.ts'

/** An array or an object, with its keys as text, in their order. */
export interface Container {
  readonly kind: 'array' | 'object'
  readonly entries: Map<string, Value>
}

/** A string is bytes to PHP. */
export type Value = null | boolean | number | bigint | Buffer | string | Container

/** Why nothing came of a session; never leaves src/migrate/php. */
export class Refused extends Error {}

/** The members of a session, without a key `__proto__`. */
export function toSession(members: ReadonlyMap<string, Value>, bytes: number): Record<string, unknown> {
  return new Copy(bytes).object(members, 0)
}

/** References make a graph, and we keep trees: what is shared is copied, as far as that stays in proportion. */
class Copy {
  #left: number

  constructor(bytes: number) {
    this.#left = bytes * budget.perByte + budget.more
  }

  object(entries: ReadonlyMap<string, Value>, depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    // Assigning __proto__ would set the prototype.
    for (const [key, value] of entries) if (key !== '__proto__') object[key] = this.#value(value, depth + 1)
    return object
  }

  #value(value: Value, depth: number): unknown {
    this.#left -= Buffer.isBuffer(value) ? value.length + 1 : 1
    // It may also contain itself.
    if (this.#left < 0 || depth > depthMax) throw new Refused()
    if (Buffer.isBuffer(value)) return textOf(value) ?? Uint8Array.from(value)
    if (typeof value !== 'object' || value === null) return value
    const { kind, entries } = value
    return kind === 'array' && isList(entries)
      ? Array.from(entries.values(), (one) => this.#value(one, depth + 1))
      : this.object(entries, depth)
  }
}

/** Whether the keys are 0, 1, 2 and so on, as in a list of ours. */
function isList(entries: ReadonlyMap<string, Value>): boolean {
  let next = 0
  for (const key of entries.keys()) if (key !== String(next++)) return false
  return true
}
