/**
 * One session value to one line of JSON and back.
 *
 * JSON says most of it. What it cannot say is an object with a single key that starts with `$`:
 *
 *     {"$date":1700000000000}   {"$date":null} (an invalid Date)     {"$bigint":"12"}     {"$number":"NaN"|"Infinity"|"-Infinity"|"-0"}
 *     {"$map":[[k,v],…]}        {"$set":[v,…]}                       {"$bytes":"base64url"}  {"$undefined":true}
 *     {"$object":[[k,v],…]}     a plain object that has a key starting with `$` itself
 *
 * Everything else (functions, symbols, class instances, a key `__proto__`, cycles) is refused, never dropped. Only what is no data to
 * JSON either is left out: members under symbols, and names given to an array.
 */
import { CoatcheckError } from './errors.ts'

/** What one value may weigh. */
export interface ValueLimits {
  readonly depthMax: number
  /** Objects, array elements and members counted together. */
  readonly nodesMax: number
}

interface Walk {
  nodesLeft: number
  readonly limits: ValueLimits
  readonly key: string
}

/** Encodes to JSON without line breaks. Throws `value_invalid` or `session_too_large`, naming the key, never the value. */
export function encodeValue(key: string, value: unknown, limits: ValueLimits): string {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return JSON.stringify(value)
  try {
    return JSON.stringify(toJson(value, 0, { nodesLeft: limits.nodesMax, limits, key }))
  } catch (error) {
    if (error instanceof CoatcheckError) throw error
    throw new CoatcheckError('value_invalid', `reading the value of "${shortKey(key)}" failed: a getter or Proxy in it throws`, error)
  }
}

/** Decodes a line written by {@link encodeValue}. Throws on anything else; the caller treats the row as unreadable. */
export function decodeValue(text: string): unknown {
  const value: unknown = JSON.parse(text)
  // Only a text with a tag, or with something that may spell `__proto__`, needs the walk; an escape can hide either.
  return text.includes('"$') || text.includes('__proto__') || text.includes('\\u00') ? fromJson(value) : value
}

/** Decodes a line where there is one; a line that is not ours counts as absent. */
export function readValue(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return decodeValue(text)
  } catch {
    return undefined
  }
}

/** A key as it may appear in a message. */
export function shortKey(key: string): string {
  return harmless(key, 40)
}

const hex = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Somebody else's text as it may appear in a message: cut, and nothing in it that a terminal or a log acts upon. */
export function harmless(text: string, lengthMax: number): string {
  return text.slice(0, lengthMax).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, hex)
}

function toJson(value: unknown, depth: number, walk: Walk): unknown {
  if (--walk.nodesLeft < 0) {
    throw new CoatcheckError(
      'session_too_large',
      `"${shortKey(walk.key)}" holds more than ${walk.limits.nodesMax} values; store less, or raise limits.nodesMax`,
    )
  }
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: Object.is(value, -0) ? '-0' : String(value) }
    case 'bigint':
      return { $bigint: value.toString() }
    case 'undefined':
      return { $undefined: true }
    case 'object':
      return value === null ? null : objectToJson(value, depth + 1, walk)
    default:
      throw refuse(walk, `a ${typeof value}`)
  }
}

function objectToJson(value: object, depth: number, walk: Walk): unknown {
  if (depth > walk.limits.depthMax) {
    throw new CoatcheckError(
      'session_too_large',
      `"${shortKey(walk.key)}" is nested deeper than ${walk.limits.depthMax} levels (or refers to itself)`,
    )
  }
  if (Array.isArray(value)) return arrayToJson(value, depth, walk)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return plainToJson(value as Record<string, unknown>, depth, walk)
  if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? null : value.getTime() }
  if (value instanceof Map) {
    return { $map: Array.from(value, ([k, v]) => [toJson(k, depth + 1, walk), toJson(v, depth + 1, walk)]) }
  }
  if (value instanceof Set) return { $set: Array.from(value, (v) => toJson(v, depth + 1, walk)) }
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64url') }
  throw refuse(walk, `a ${String((prototype as { constructor?: { name?: unknown } }).constructor?.name ?? 'class instance')}`)
}

// Both return the very object they were given when JSON can say it as it is: most values never get copied.
function arrayToJson(value: readonly unknown[], depth: number, walk: Walk): unknown {
  if (value.length > walk.nodesLeft) walk.nodesLeft = 0
  let copy: unknown[] | null = null
  for (let i = 0; i < value.length; i++) {
    const json = toJson(value[i], depth, walk)
    if (copy === null && json !== value[i]) copy = value.slice(0, i)
    copy?.push(json)
  }
  return copy ?? value
}

function plainToJson(value: Record<string, unknown>, depth: number, walk: Walk): unknown {
  let changed: Record<string, unknown> | null = null
  let dollar = false
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw refuse(walk, 'a key "__proto__"')
    const member = value[key]
    const json = toJson(member, depth, walk)
    if (key.startsWith('$')) dollar = true
    if (json !== member) {
      changed ??= Object.assign(Object.create(null) as Record<string, unknown>, value)
      changed[key] = json
    }
  }
  return dollar ? { $object: Object.entries(changed ?? value) } : (changed ?? value)
}

function refuse(walk: Walk, what: string): CoatcheckError {
  return new CoatcheckError(
    'value_invalid',
    `"${shortKey(walk.key)}" holds ${what}, which a session cannot keep; store plain objects, arrays, strings, numbers, booleans, null, Date, Map, Set, BigInt or Uint8Array`,
  )
}

const numbers: ReadonlyMap<unknown, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0', -0],
])

function fromJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(fromJson)
  const keys = Object.keys(value)
  const only = keys[0]
  if (keys.length === 1 && only !== undefined && only.startsWith('$')) return fromTag(only, (value as Record<string, unknown>)[only])
  const plain = value as Record<string, unknown>
  for (const key of keys) {
    if (key.startsWith('$') || key === '__proto__') throw new Error('not a value of ours')
    plain[key] = fromJson(plain[key])
  }
  return plain
}

function fromTag(tag: string, inner: unknown): unknown {
  if (tag === '$undefined' && inner === true) return undefined
  if (tag === '$date' && (typeof inner === 'number' || inner === null)) return new Date(inner ?? Number.NaN)
  if (tag === '$bigint' && typeof inner === 'string' && /^-?\d+$/.test(inner)) return BigInt(inner)
  if (tag === '$number' && numbers.has(inner)) return numbers.get(inner)
  if (tag === '$bytes' && typeof inner === 'string') return bytesFrom(inner)
  if (tag === '$set' && Array.isArray(inner)) return new Set(inner.map(fromJson))
  if (tag === '$map' && pairs(inner)) return new Map(inner.map(([k, v]) => [fromJson(k), fromJson(v)]))
  if (tag === '$object' && pairs(inner)) return objectFrom(inner)
  throw new Error('not a value of ours')
}

function bytesFrom(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.toString('base64url') !== text) throw new Error('not a value of ours')
  return new Uint8Array(bytes)
}

function objectFrom(entries: readonly (readonly [unknown, unknown])[]): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (const [key, value] of entries) {
    if (typeof key !== 'string' || key === '__proto__') throw new Error('not a value of ours')
    object[key] = fromJson(value)
  }
  return object
}

function pairs(value: unknown): value is (readonly [unknown, unknown])[] {
  return Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2)
}
