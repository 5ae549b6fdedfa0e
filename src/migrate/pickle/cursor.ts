/** Reads bytes one after another. Every length is compared with what is left before anything is made of it. */
import { Refused } from './python.ts'

const lineFeed = 0x0a

export class Cursor {
  readonly bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get ended(): boolean {
    return this.#at >= this.bytes.length
  }

  byte(): number {
    return this.bytes[this.#skip(1)] as number
  }

  uint16(): number {
    return this.bytes.readUInt16LE(this.#skip(2))
  }

  uint32(): number {
    return this.bytes.readUInt32LE(this.#skip(4))
  }

  int32(): number {
    return this.bytes.readInt32LE(this.#skip(4))
  }

  double(): number {
    return this.bytes.readDoubleBE(this.#skip(8))
  }

  /** A length in eight bytes; one that no memory could hold is more than is left. */
  length64(): number {
    return Number(this.bytes.readBigUInt64LE(this.#skip(8)))
  }

  /** A view, not a copy. */
  take(length: number): Buffer {
    const start = this.#skip(length)
    return this.bytes.subarray(start, start + length)
  }

  /** Whether at least this much is left. */
  has(length: number): boolean {
    return length <= this.bytes.length - this.#at
  }

  /** Up to the next line feed, which is passed over, as latin-1. */
  line(): string {
    const end = this.bytes.indexOf(lineFeed, this.#at)
    if (end === -1) throw new Refused('malformed')
    const text = this.bytes.toString('latin1', this.#at, end)
    this.#at = end + 1
    return text
  }

  #skip(length: number): number {
    const start = this.#at
    if (length < 0 || length > this.bytes.length - start) throw new Refused('malformed')
    this.#at += length
    return start
  }
}
