/** Python's pickles as plain data, and plain data as pickles. Formats: https://docs.python.org/3/library/pickletools.html */
import { fromValues } from './pickle/from-values.ts'
import type { PickleRefusal } from './pickle/python.ts'
import { unpickle } from './pickle/read.ts'
import { toValues } from './pickle/to-values.ts'
import { pickle } from './pickle/write.ts'

export type { PickleRefusal } from './pickle/python.ts'

/** What a pickle holds, or why it is not read. */
export type PickleResult = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: PickleRefusal }

/**
 * Reads a pickle of protocol 0 to 5 (Python 2 and 3) that holds data and nothing else. Never throws; nothing a pickle names is ever
 * imported, made or called, and lengths are checked before memory is taken.
 *
 * | Python | here |
 * | --- | --- |
 * | `dict` | a plain object where all keys are text (a key `__proto__` is left out), else a `Map` |
 * | `list`, `tuple` | an array |
 * | `set`, `frozenset` | a `Set` |
 * | `str`, `unicode` | a string; Python 2's `str` where it is UTF-8, else its bytes |
 * | `bytes`, `bytearray` | a `Uint8Array` |
 * | `int`, `long` | a number, beyond 2^53 a bigint |
 * | `float`, `bool`, `None` | a number, a boolean, `null` |
 * | `datetime`, `date` | a `Date`; without a zone as UTC, `date` as its midnight; microseconds are cut off |
 * | `timedelta` | a number of milliseconds |
 *
 * `reason` is `'malformed'`: no pickle, or one cut off; `'unsupported'`: it holds an instance of a class, a function, a persistent
 * id; `'too_large'`: over 1 MiB, over 200 levels, more shared than a copy could hold, or it contains itself.
 *
 * @example
 * ```ts
 * import { readPickle } from 'coatcheck/migrate/webapp2'
 * const read = readPickle(Buffer.from('gAJ9cQFVAWFLAXMu', 'base64'))
 * console.log(read.ok ? read.value : read.reason) // { a: 1 }
 * ```
 */
export function readPickle(bytes: Uint8Array): PickleResult {
  const read = unpickle(bytes)
  return read.ok ? { ok: true, value: toValues(read.value) } : read
}

/**
 * Writes a value as a pickle of protocol 2, which Python 2 and Python 3 both read. Whole numbers become `int`, arrays `list`, a `Date`
 * a `datetime` in UTC without a zone, a `Map` a `dict`, bytes `bytes` (Python 2: `str`). Members that are `undefined` are left out.
 *
 * Throws `value_invalid` for what is no plain data (functions, class instances, a key `__proto__`), and `session_too_large` for more
 * than 1 MiB, more than 200 levels, or what contains itself.
 *
 * @example
 * ```ts
 * import { readPickle, writePickle } from 'coatcheck/migrate/webapp2'
 * const bytes = writePickle({ user: 'ada', cart: [1, 2], since: new Date(0) })
 * console.log(readPickle(bytes))
 * ```
 */
export function writePickle(value: unknown): Uint8Array {
  return pickle(fromValues(value))
}
