/**
 * What Flask's sessions hold beyond JSON. It is an object with one key, a blank and a letter or two (`flask.json.tag`):
 *
 *   {" t": […]}  tuple        {" b": "<base64>"}    bytes      {" u": "<32 hex digits>"}   UUID
 *   {" m": "…"}  Markup       {" d": "<HTTP date>"} datetime   {" di": {" t__": …}}        a dict that only looks like one of these
 */
import { depthMax } from '../pickle/python.ts'

/** Ends the reading of one session; never leaves this module. */
class Malformed extends Error {}

const tags: ReadonlyMap<string, (value: unknown) => unknown> = new Map<string, (value: unknown) => unknown>([
  [' t', listFrom],
  [' b', bytesFrom],
  [' m', textFrom],
  [' u', uuidFrom],
  [' d', dateFrom],
  [' di', dictFrom],
])
const hex = /^([\da-f]{8})([\da-f]{4})([\da-f]{4})([\da-f]{4})([\da-f]{12})$/
const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** Parsed JSON with its tags read; `undefined` when one is not as Flask writes it. */
export function untagged(value: unknown): unknown {
  try {
    return untag(value, 0)
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

function untag(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > depthMax) throw new Malformed()
  if (Array.isArray(value)) return value.map((one) => untag(one, depth + 1))
  const object = value as Record<string, unknown>
  const keys = Object.keys(object)
  for (const key of keys) object[key] = untag(object[key], depth + 1)
  const [key = ''] = keys
  const read = keys.length === 1 ? tags.get(key) : undefined
  return read === undefined ? object : read(object[key])
}

function listFrom(value: unknown): unknown {
  if (!Array.isArray(value)) throw new Malformed()
  return value
}

function textFrom(value: unknown): string {
  if (typeof value !== 'string') throw new Malformed()
  return value
}

function bytesFrom(value: unknown): Uint8Array {
  const text = textFrom(value)
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw new Malformed()
  return Uint8Array.from(bytes)
}

function uuidFrom(value: unknown): string {
  const parts = hex.exec(textFrom(value))
  if (parts === null) throw new Malformed()
  return parts.slice(1).join('-')
}

function dateFrom(value: unknown): Date {
  const text = textFrom(value)
  const date = new Date(httpDate.test(text) ? text : Number.NaN)
  if (Number.isNaN(date.getTime())) throw new Malformed()
  return date
}

function dictFrom(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Malformed()
  const [[key, inner] = ['', null], ...others] = Object.entries(value)
  if (others.length > 0 || !key.endsWith('__') || !tags.has(key.slice(0, -2))) throw new Malformed()
  return { [key.slice(0, -2)]: inner }
}
