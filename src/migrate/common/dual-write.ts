/** Both applications at once: what is ours to write where the old one reads. */
import type { DualWrite, OldChanges, OldSession } from '../../http/move-in.ts'
import { invalid } from './invalid.ts'
import type { MoveInOptions } from './reader.ts'

type Values = Readonly<Record<string, unknown>>

/** Options of readers whose old sessions are in a store that can be written. */
export interface DualWriteOptions {
  /**
   * For as long as both applications run: what changes here is written to the old session too, and who is signed out in one is so in both.
   * Needs a `sunset`; until then the old cookie is as good here as it is there. With a `map` it has to be `{ toOld }`, which turns today's
   * values and user back into the old ones. Default: none; see docs/moving-in.md.
   */
  readonly dualWrite?: true | { readonly toOld: (values: Values, user: string | null) => Values | Promise<Values> }
}

export type IsTheirs = (values: Values) => Promise<boolean>

/** Old sessions that can be changed where they are. */
export interface ChangeableSessions {
  load(id: string, nowMs: number): Promise<OldSession | null>
  /** `isTheirs`: whether the session as it stands is still of those whose changes these are. */
  write(id: string, changes: OldChanges, nowMs: number, isTheirs: IsTheirs): Promise<boolean>
  end(id: string): Promise<void>
}

/** What a reader promises with `dualWrite`; `undefined` without. Throws `config_invalid`. */
export function dualWriteOf(
  reader: string,
  { dualWrite, map, sunset, keepOld }: MoveInOptions & DualWriteOptions,
  old: ChangeableSessions | undefined,
): DualWrite | undefined {
  if (dualWrite === undefined) return undefined
  const toOld = typeof dualWrite === 'object' && dualWrite !== null && Object.hasOwn(dualWrite, 'toOld') ? dualWrite.toOld : undefined
  const wrong =
    dualWrite !== true && typeof toOld !== 'function'
      ? 'dualWrite is true, or { toOld }, a function of the values and the user'
      : sunset === undefined
        ? 'dualWrite needs a sunset: until then an old cookie is as good as a ticket, with every weakness of the old format'
        : keepOld === false
          ? 'with dualWrite the old cookie and session stay as they are; leave keepOld out'
          : map !== undefined && toOld === undefined
            ? 'map turns old values into today’s, and dualWrite has to turn them back; write dualWrite: { toOld }'
            : null
  if (wrong !== null) throw invalid(`${reader}: ${wrong}`)
  if (old === undefined)
    throw invalid(`${reader}: dualWrite needs a store whose sessions can be changed; pass one that can write, or leave it out`)
  const seenThere = toOld ?? ((values: Values) => values)
  return {
    tellsUser: map !== undefined,
    load: (id, nowMs) => old.load(id, nowMs),
    changes: async (before, after) =>
      difference(await seenThere(before.values, before.user ?? null), await seenThere(after.values, after.user ?? null)),
    write: (id, changes, nowMs, user) =>
      old.write(id, changes, nowMs, async (values) => map === undefined || ((await map(values))?.user ?? null) === user),
    end: (id) => old.end(id),
  }
}

/** What has become of old values with some changes. The names in `own` are the old system's, and no values. */
export function changed(values: Values, { set, drop }: OldChanges, own: readonly string[]): Record<string, unknown> {
  const kept = Object.entries(values).filter(([key]) => own.includes(key) || !drop.includes(key))
  return Object.fromEntries([...kept, ...Object.entries(set).filter(([key]) => !own.includes(key))])
}

/** As the old application would find it in its JSON: what that cannot say, such as a Map, is not there. */
function difference(before: Values, after: Values): OldChanges | null {
  const [was, is] = [textsOf(before), textsOf(after)]
  const set = [...is].filter(([key, text]) => was.get(key) !== text)
  const drop = [...was.keys()].filter((key) => !is.has(key))
  if (set.length === 0 && drop.length === 0) return null
  return { set: Object.fromEntries(set.map(([key, text]) => [key, JSON.parse(text) as unknown])), drop }
}

function textsOf(values: Values): Map<string, string> {
  const texts = new Map<string, string>()
  for (const [key, value] of Object.entries(values)) {
    const text = key === '__proto__' ? undefined : jsonOf(value)
    if (text !== undefined) texts.set(key, text)
  }
  return texts
}

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, refusing)
  } catch {
    // A BigInt, or one of those below.
    return undefined
  }
}

function refusing(_key: string, value: unknown): unknown {
  if (value instanceof Map || value instanceof Set || value instanceof Uint8Array) throw new TypeError('no JSON')
  return value
}
