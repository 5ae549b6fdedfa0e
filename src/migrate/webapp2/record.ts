/** What one session id stands for in a store: webapp2's pickled dict, or the JSON of Google's Node store. */
import { CoatcheckError } from '../../core/errors.ts'
import { fromValues } from '../pickle/from-values.ts'
import { isKind, type Dict, type PickleRefusal, type Value } from '../pickle/python.ts'
import { unpickle } from '../pickle/read.ts'
import { toValues } from '../pickle/to-values.ts'
import { textOf } from '../pickle/text.ts'
import { pickle } from '../pickle/write.ts'

export type Values = Record<string, unknown>

/** Changes values in place. It may run again, on fresher ones, when somebody else wrote in between. */
export type Edit = (values: Values) => void

/** A stored session, read. */
export interface StoredValues<Form> {
  readonly values: Values
  /** What to write after an edit, or `null` when it changed nothing. */
  edited(edit: Edit): { readonly values: Values; readonly form: Form } | null
}

/** Runs an edit on a copy of its own. */
function applied(values: Values, edit: Edit): Values {
  const result: unknown = edit(values)
  if (typeof (result as { then?: unknown } | undefined)?.then !== 'function') return values
  throw new CoatcheckError(
    'value_invalid',
    'the function passed to update is async; await before update, and change the values without waiting',
  )
}

/** A dict in a pickle. A key that nobody changed is written back as Python wrote it: tuples, floats, microseconds and all. */
export function pickled(bytes: Uint8Array): StoredValues<Uint8Array> | PickleRefusal {
  const read = unpickle(bytes)
  if (!read.ok) return read.reason
  const { value } = read
  return isKind(value, 'dict') ? new PickledValues(value) : 'malformed'
}

class PickledValues implements StoredValues<Uint8Array> {
  readonly #dict: Dict

  constructor(dict: Dict) {
    this.#dict = dict
  }

  get values(): Values {
    const values: Values = {}
    for (const { name, value } of this.#members()) if (name !== null) values[name] = toValues(value)
    return values
  }

  edited(edit: Edit): { values: Values; form: Uint8Array } | null {
    const before = new Map(Object.entries(this.values).map(([name, value]) => [name, pickle(fromValues(value))]))
    const values = applied(this.values, edit)
    const after = fromValues(values) as Dict
    const entries: Dict['entries'] = new Map()
    let changed = [...after.entries.keys()].some((name) => !before.has(name as string))
    for (const { place, key, name, value } of this.#members()) {
      const mine = name === null ? undefined : after.entries.get(name)
      const kept = name === null || (mine !== undefined && before.get(name)?.equals(pickle(mine[1])) === true)
      if (!kept) changed = true
      if (kept) entries.set(place, [key, value])
      else if (mine !== undefined) entries.set(place, [key, mine[1]])
      if (name !== null) after.entries.delete(name)
    }
    for (const [name, pair] of after.entries) entries.set({ name }, pair)
    return changed ? { values, form: pickle({ kind: 'dict', entries }) } : null
  }

  /** `name` is `null` for keys that are no text, and for `__proto__`: not shown, and not lost. */
  *#members(): Iterable<{ place: unknown; key: Value; name: string | null; value: Value }> {
    for (const [place, [key, value]] of this.#dict.entries) {
      const text = isKind(key, 'str') ? textOf(Buffer.from(key.bytes)) : key
      yield { place, key, name: typeof text === 'string' && text !== '__proto__' ? text : null, value }
    }
  }
}

/** A new dict. */
export function pickledValues(values: Readonly<Values>): Uint8Array {
  return pickle(fromValues(values))
}

/**
 * What `@google-cloud/connect-datastore` keeps: express-session's JSON. Its member `cookie` is not shown, and not lost. `null`: over.
 */
export function jsonValues(text: string, nowMs: number): StoredValues<string> | null | 'malformed' {
  const stored = parsed(text)
  if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) return 'malformed'
  const { cookie, ...rest } = stored as { cookie?: { expires?: unknown } }
  const expires = typeof cookie?.expires === 'string' ? Date.parse(cookie.expires) : Number.NaN
  if (expires <= nowMs) return null
  const fresh = (): Values => structuredClone(rest)
  return {
    values: fresh(),
    edited(edit) {
      const values = applied(fresh(), edit)
      const form = JSON.stringify(cookie === undefined ? values : { cookie, ...values })
      return form === JSON.stringify(cookie === undefined ? rest : { cookie, ...rest }) ? null : { values, form }
    },
  }
}

function parsed(text: string): unknown {
  try {
    // Assigning it later would set the prototype.
    return JSON.parse(text, (key, value: unknown) => (key === '__proto__' ? undefined : value)) as unknown
  } catch {
    return undefined
  }
}
