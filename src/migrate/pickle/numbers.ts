import { digitsMax, Refused } from './python.ts'

/** A decimal integer; an underscore, which Python 3 allows since 3.6, is in nothing Python writes. */
export function integerOf(line: string): bigint {
  if (line.length > digitsMax + 1) throw new Refused('too_large')
  if (!/^[+-]?\d+$/.test(line)) throw new Refused('malformed')
  return BigInt(line.replace('+', ''))
}

const words: ReadonlyMap<string, number> = new Map([
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
  ['nan', Number.NaN],
])

/** A float as Python's `repr` writes it. */
export function floatOf(line: string): number {
  const word = words.get(line)
  if (word !== undefined) return word
  if (line.length > 64 || !/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i.test(line)) throw new Refused('malformed')
  return Number(line)
}

/** Two's complement, as many bytes as it takes. */
export function littleEndian(bytes: Buffer): bigint {
  const { length } = bytes
  if (length === 0) return 0n
  if (length <= 6) return BigInt(bytes.readIntLE(0, length))
  // As many bits as digitsMax decimal digits are.
  if (length * 8 > digitsMax * 3.33) throw new Refused('too_large')
  return BigInt.asIntN(length * 8, BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`))
}
