/**
 * PHP's `serialize` format (https://www.phpinternals.net/docs/php_var_unserialize, and PHP itself, which the tests ask):
 *
 *   N;  b:1;  i:-5;  d:0.1;  s:3:"abc";  a:<count>:{<key><value>…}  O:<length>:"<class>":<count>:{<key><value>…}  E:<length>:"<enum>:<case>";
 *   R:<n>;  r:<n>;   the value number n of the session, from 1, where every value counts but R
 *
 * Lengths are compared with what is left before anything is made of them; nothing is made for a count.
 */
import { depthMax } from '../pickle/python.ts'
import { textOf } from '../pickle/text.ts'
import { Refused, type Container, type Value } from './values.ts'

/** Classes whose objects are taken as data. */
export type IsData = (className: string) => boolean

export class Unserializer {
  readonly #bytes: Buffer
  readonly #isData: IsData
  readonly #numbered: (Value | undefined)[] = []
  #at = 0

  constructor(bytes: Buffer, isData: IsData) {
    this.#bytes = bytes
    this.#isData = isData
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length
  }

  byte(): number {
    return this.take(1)[0] as number
  }

  /** A view, not a copy. */
  take(length: number): Buffer {
    const start = this.#at
    if (length > this.#bytes.length - start) throw new Refused()
    this.#at += length
    return this.#bytes.subarray(start, this.#at)
  }

  /** What stands before the next such character, which is passed over. */
  until(character: string, lengthMax: number): Buffer {
    const end = this.#bytes.indexOf(character, this.#at)
    if (end === -1 || end - this.#at > lengthMax) throw new Refused()
    const found = this.take(end - this.#at)
    this.#at++
    return found
  }

  value(depth = 0): Value {
    if (depth > depthMax) throw new Refused()
    const type = this.take(2).toString('latin1')
    if (type === 'R:') return this.#recalled()
    // It has its number before what it holds has one.
    const number = this.#numbered.push(undefined) - 1
    const value = this.#of(type, depth, (container) => (this.#numbered[number] = container))
    this.#numbered[number] = value
    return value
  }

  #of(type: string, depth: number, begin: (container: Container) => unknown): Value {
    switch (type) {
      case 'N;':
        return null
      case 'b:':
        return this.#matching(/^[01]$/, ';', 1) === '1'
      case 'i:':
        return this.#integer()
      case 'd:':
        return this.#float()
      case 's:':
        return this.#string(';')
      case 'a:':
        return this.#container('array', depth, begin)
      case 'O:':
        if (!this.#isData(nameIn(this.#string(':')))) throw new Refused()
        return this.#container('object', depth, begin)
      case 'E:':
        return nameIn(this.#string(';')).replace(':', '::')
      case 'r:':
        return objectOnly(this.#recalled())
      default:
        // C, an object that reads its own bytes; S, which PHP does not write.
        throw new Refused()
    }
  }

  #matching(form: RegExp, end: string, lengthMax: number): string {
    const text = this.until(end, lengthMax).toString('latin1')
    if (!form.test(text)) throw new Refused()
    return text
  }

  #count(end: string): number {
    return Number(this.#matching(/^\d+$/, end, 9))
  }

  #integer(): number | bigint {
    const text = this.#matching(/^-?\d+$/, ';', 20)
    const number = Number(text)
    if (Number.isSafeInteger(number)) return number === 0 ? 0 : number
    const big = BigInt(text)
    if (BigInt.asIntN(64, big) !== big) throw new Refused()
    return big
  }

  #float(): number {
    const text = this.#matching(/^(-?(\d+(\.\d*)?|\.\d+)(E[+-]?\d+)?|NAN|-?INF)$/i, ';', 400)
    if (/^nan$/i.test(text)) return Number.NaN
    return /inf$/i.test(text) ? (text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY) : Number(text)
  }

  #string(end: string): Buffer {
    const length = this.#count(':')
    const quoted = this.take(length + 2)
    if (quoted[0] !== 0x22 || quoted.at(-1) !== 0x22 || this.take(1).toString('latin1') !== end) throw new Refused()
    return quoted.subarray(1, -1)
  }

  #container(kind: Container['kind'], depth: number, begin: (container: Container) => unknown): Container {
    const count = this.#count(':')
    if (this.take(1).toString('latin1') !== '{') throw new Refused()
    const entries = new Map<string, Value>()
    const container = { kind, entries }
    begin(container)
    for (let n = 0; n < count; n++) {
      const key = this.#key(kind)
      entries.set(key, this.value(depth + 1))
    }
    if (this.take(1).toString('latin1') !== '}') throw new Refused()
    return container
  }

  #key(kind: Container['kind']): string {
    const type = this.take(2).toString('latin1')
    if (type === 'i:') return String(this.#integer())
    if (type !== 's:') throw new Refused()
    const name = nameIn(this.#string(';'))
    // A private property is \0<class>\0<name>, a protected one \0*\0<name>.
    return kind === 'object' ? name.replace(/^\0[^\0]+\0/, '') : name
  }

  #recalled(): Value {
    const value = this.#numbered[this.#count(';') - 1]
    if (value === undefined) throw new Refused()
    return value
  }
}

/** What is there twice and no reference is an object, or a case of an enum. */
function objectOnly(value: Value): Value {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value) || value.kind !== 'object') throw new Refused()
  return value
}

/** UTF-8 where it is that, else a letter for each byte: a key is text to us. */
export function nameIn(bytes: Buffer): string {
  return textOf(bytes) ?? bytes.toString('latin1')
}
