/** What Python compares keys and members by: `1`, `1.0` and `True` are one key, `'a'` and Python 2's `u'a'` too. */
import { depthMax, Refused, type Value } from './python.ts'

/** Numbers the values that can be keys. Equal ones get the same number. */
export class Identities {
  readonly #numbers = new Map<unknown, number>()
  /** A tuple that is recalled a thousand times is looked at once. */
  readonly #known = new Map<object, number>()

  of(value: Value, depth = 0): number {
    if (typeof value !== 'object' || value === null) return this.#numberOf(leaf(value))
    const known = this.#known.get(value)
    if (known !== undefined) return known
    const number = this.#numberOf(this.#compound(value, depth))
    this.#known.set(value, number)
    return number
  }

  #compound(value: Exclude<Value, null | boolean | bigint | number | string>, depth: number): string {
    if (depth > depthMax) throw new Refused('too_large')
    switch (value.kind) {
      case 'str':
      case 'bytes': {
        const latin1 = (value.latin1 ??= Buffer.from(value.bytes).toString('latin1'))
        return value.kind === 'str' && isAscii(latin1) ? latin1 : `\0${value.kind} ${latin1}`
      }
      case 'tuple':
        return `\0tuple ${value.items.map((one) => this.of(one, depth + 1)).join()}`
      case 'frozenset':
        return `\0frozenset ${[...value.members.keys()].toSorted().join()}`
      case 'datetime':
      case 'date':
        return `\0${value.kind} ${Buffer.from(value.bytes).toString('latin1')} ${value.zone === null ? '' : this.of(value.zone, depth + 1)}`
      case 'timedelta':
        return `\0timedelta ${value.days} ${value.seconds} ${value.micros}`
      default:
        // Python: TypeError, unhashable type.
        throw new Refused('malformed')
    }
  }

  #numberOf(key: unknown): number {
    const number = this.#numbers.get(key) ?? this.#numbers.size
    if (number === this.#numbers.size) this.#numbers.set(key, number)
    return number
  }
}

function leaf(value: null | boolean | bigint | number | string): unknown {
  if (typeof value === 'boolean') return value ? 1n : 0n
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}
