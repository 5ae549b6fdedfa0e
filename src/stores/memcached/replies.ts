/**
 * The bytes a memcached server sends, cut into replies:
 *
 *   <line> CR LF
 *   VA <size> <flags…> CR LF <size bytes> CR LF
 *
 * Source: "Meta Get" and "Expiration times" in memcached's doc/protocol.txt.
 */

export interface Reply {
  /** Without its line end; one character for each byte. */
  readonly line: string
  /** What follows a line that begins with `VA `. */
  readonly value: Buffer | null
}

/** No answer of memcached's is longer: the longest are statistics. */
const lineBytesMax = 2_048

const valueLine = /^VA (0|[1-9]\d{0,9})(?: |$)/
const carriageReturn = 13
const lineFeed = 10

/** Takes bytes as they come and hands on whole replies, in order. */
export class ReplyReader {
  readonly #hand: (reply: Reply) => void
  #chunks: Buffer[] = []
  #bytes = 0
  /** How many bytes it takes to get further: a large value is put together once, not at every chunk. */
  #needed = 1

  constructor(hand: (reply: Reply) => void) {
    this.#hand = hand
  }

  /** Throws where the bytes can be no reply. What follows them means nothing any more. */
  take(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes < this.#needed) return
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    const rest = bytes.subarray(this.#readAll(bytes))
    this.#chunks = rest.length === 0 ? [] : [rest]
    this.#bytes = rest.length
  }

  /** Hands on every whole reply; answers where the rest begins. */
  #readAll(bytes: Buffer): number {
    let at = 0
    for (;;) {
      const lineEnd = bytes.indexOf(lineFeed, at)
      if (lineEnd === -1) {
        if (bytes.length - at > lineBytesMax) throw new Error('a line of the answer does not end')
        this.#needed = bytes.length - at + 1
        return at
      }
      if (bytes[lineEnd - 1] !== carriageReturn || lineEnd === at) throw new Error('a line of the answer does not end as it must')
      const line = bytes.toString('latin1', at, lineEnd - 1)
      const size = sizeOf(line)
      let end = lineEnd + 1
      if (size !== null) {
        end += size + 2
        if (bytes.length < end) {
          this.#needed = end - at
          return at
        }
        if (bytes[end - 2] !== carriageReturn || bytes[end - 1] !== lineFeed) throw new Error('a value is not as long as its line says')
      }
      this.#hand({ line, value: size === null ? null : bytes.subarray(lineEnd + 1, end - 2) })
      at = end
    }
  }
}

/** How many bytes of value follow a line, `null` where none do. */
function sizeOf(line: string): number | null {
  if (!line.startsWith('VA')) return null
  const size = valueLine.exec(line)?.[1]
  if (size === undefined) throw new Error('a value does not say how long it is')
  return Number(size)
}
