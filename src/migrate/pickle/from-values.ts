/** A session's values as Python's. */
import { CoatcheckError } from '../../core/errors.ts'
import { datetimeAt } from './moments.ts'
import { depthMax, type Dict, type Value } from './python.ts'

/** Throws `value_invalid` for what Python's data types do not hold, and `session_too_large` for what is too deep or holds itself. */
export function fromValues(value: unknown, depth = 0): Value {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return value
    case 'number':
      // Python tells 1 from 1.0 and we do not: a whole number is an int.
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value
    case 'undefined':
      return null
    case 'object':
      return value === null ? null : fromObject(value, depth + 1)
    default:
      throw invalid(`a ${typeof value}`)
  }
}

function fromObject(value: object, depth: number): Value {
  if (depth > depthMax) {
    throw new CoatcheckError('session_too_large', `a value is nested deeper than ${depthMax} levels, or refers to itself`)
  }
  if (Array.isArray(value)) return { kind: 'list', items: Array.from(value, (one: unknown) => fromValues(one, depth)) }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return dictOf(Object.entries(value), depth)
  if (value instanceof Map) return dictOf([...value], depth)
  if (value instanceof Set) return { kind: 'set', members: new Map(Array.from(value, (one: unknown) => [one, hashable(one, depth)])) }
  if (value instanceof Uint8Array) return { kind: 'bytes', bytes: value }
  const moment = value instanceof Date ? datetimeAt(value.getTime()) : null
  if (moment !== null) return moment
  throw invalid(value instanceof Date ? 'a Date that is no datetime of Python' : 'an instance of a class')
}

/** Members that are `undefined` are left out, as in JSON. */
function dictOf(pairs: readonly (readonly [unknown, unknown])[], depth: number): Dict {
  const entries: Dict['entries'] = new Map()
  for (const [key, value] of pairs) {
    if (key === '__proto__') throw invalid('a key "__proto__"')
    if (value !== undefined) entries.set(key, [hashable(key, depth), fromValues(value, depth)])
  }
  return { kind: 'dict', entries }
}

/** As a key or a member of a set: Python's lists, dicts and sets cannot be one, so an array becomes a tuple. */
function hashable(value: unknown, depth: number): Value {
  if (Array.isArray(value)) return { kind: 'tuple', items: value.map((one: unknown) => hashable(one, depth + 1)) }
  const converted = fromValues(value, depth)
  const kind = typeof converted === 'object' && converted !== null ? converted.kind : 'leaf'
  if (kind === 'dict' || kind === 'set') throw invalid('an object as a key or in a Set')
  return converted
}

function invalid(what: string): CoatcheckError {
  return new CoatcheckError(
    'value_invalid',
    `the session holds ${what}, which a pickle of plain data cannot; store plain objects, arrays, strings, numbers, booleans, null, Date, Map, Set, BigInt or Uint8Array`,
  )
}
