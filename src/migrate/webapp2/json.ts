/** JSON as Python's `json` writes and reads it, with webapp2's settings: bare NaN and Infinity, integers of any size, ASCII only. */
import { CoatcheckError } from '../../core/errors.ts'
import { depthMax, digitsMax } from '../pickle/python.ts'

/**
 * Parses, or answers `undefined`. Integers beyond 2^53 become bigints, a key `__proto__` is left out at any depth, and more than
 * {@link depthMax} levels are refused.
 */
export function parseJson(text: string): unknown {
  if (!isSimple(text)) return new Parser(text).parse()
  try {
    return JSON.parse(text) as unknown
  } catch {
    // NaN and Infinity are not worth a search in every cookie.
    return new Parser(text).parse()
  }
}

/** Whether `JSON.parse` understands it as Python does, if it understands it at all. The first integer it gets wrong begins with 9007. */
function isSimple(text: string): boolean {
  if (/\d{17}|9\d{15}|__proto__|\\u00[0-7]/.test(text)) return false
  let opened = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x5b || code === 0x7b) opened++
  }
  return opened <= depthMax
}

const words: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['null', null],
  ['true', true],
  ['false', false],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])

class Parser {
  // Sticky: each starts where the last one ended.
  readonly #tokens =
    /[ \t\n\r]*(?:([[\]{},:])|("(?:[ !#-[\]-\u{10ffff}]|\\["\\/bfnrt]|\\u[\da-fA-F]{4})*")|(-?(?:0|[1-9]\d*)(?![\d.eE]))|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)|(-?[A-Za-z]+))[ \t\n\r]*/uy
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  parse(): unknown {
    try {
      const value = this.#value(this.#next(), 0)
      return this.#tokens.lastIndex === this.#text.length ? value : undefined
    } catch (error) {
      if (error instanceof Broken) return undefined
      throw error
    }
  }

  #next(): RegExpExecArray {
    const token = this.#tokens.exec(this.#text)
    if (token === null) throw new Broken()
    return token
  }

  #value(token: RegExpExecArray, depth: number): unknown {
    const [, sign, text, integer, float, word] = token
    if (depth > depthMax) throw new Broken()
    if (sign === '{') return this.#object(depth + 1)
    if (sign === '[') return this.#array(depth + 1)
    if (text !== undefined) return JSON.parse(text) as unknown
    if (integer !== undefined) return integerOf(integer)
    if (float !== undefined) return Number(float)
    if (word !== undefined && words.has(word)) return words.get(word)
    throw new Broken()
  }

  #array(depth: number): unknown[] {
    const items: unknown[] = []
    let token = this.#next()
    if (token[1] === ']') return items
    for (;;) {
      items.push(this.#value(token, depth))
      const [, sign] = this.#next()
      if (sign === ']') return items
      if (sign !== ',') throw new Broken()
      token = this.#next()
    }
  }

  #object(depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    let token = this.#next()
    if (token[1] === '}') return object
    for (;;) {
      const key = token[2] === undefined ? undefined : (JSON.parse(token[2]) as string)
      if (key === undefined || this.#next()[1] !== ':') throw new Broken()
      const value = this.#value(this.#next(), depth)
      // Assigning it would set the prototype.
      if (key !== '__proto__') object[key] = value
      const [, sign] = this.#next()
      if (sign === '}') return object
      if (sign !== ',') throw new Broken()
      token = this.#next()
    }
  }
}

class Broken extends Error {}

function integerOf(text: string): number | bigint {
  if (text.length > digitsMax) throw new Broken()
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

/**
 * Writes as webapp2 does: no blanks, everything outside ASCII as `\u`, and `</` as `<\/`. Members that are `undefined` are left out.
 * Throws `value_invalid` for what JSON has no word for, and `session_too_large` for what is too deep or contains itself.
 */
export function writeJson(value: unknown): string {
  return toJson(value, 0).replaceAll('</', '<\\/')
}

function toJson(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value).replace(/[\x7f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
    case 'number':
      return numberToJson(value)
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'undefined':
      return 'null'
    case 'object':
      return value === null ? 'null' : objectToJson(value, depth + 1)
    default:
      throw invalid(`a ${typeof value}`)
  }
}

/** What is no exact integer here must not become one there. */
function numberToJson(value: number): string {
  if (Object.is(value, -0)) return '-0.0'
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(String(value)) ? String(value) : `${value}.0`
}

function objectToJson(value: object, depth: number): string {
  if (depth > depthMax) {
    throw new CoatcheckError('session_too_large', `a value is nested deeper than ${depthMax} levels, or refers to itself`)
  }
  if (Array.isArray(value)) return `[${Array.from(value, (one: unknown) => toJson(one, depth)).join()}]`
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw invalid('an instance of a class, such as a Date or a Map')
  const members = Object.entries(value).filter(([, one]) => one !== undefined)
  if (members.some(([key]) => key === '__proto__')) throw invalid('a key "__proto__"')
  return `{${members.map(([key, one]) => `${toJson(key, depth)}:${toJson(one, depth)}`).join()}}`
}

function invalid(what: string): CoatcheckError {
  return new CoatcheckError(
    'value_invalid',
    `the session holds ${what}, and webapp2 keeps this session as JSON; store plain objects, arrays, strings, numbers, booleans, null or BigInt`,
  )
}
