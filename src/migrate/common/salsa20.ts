/**
 * Salsa20 and its keys of XSalsa20 (D. J. Bernstein, "Extending the Salsa20 nonce"), which Node's OpenSSL does not have: 32-bit words, little
 * end first, twenty rounds. Tests hold it against NaCl's vectors and against libsodium.
 */

const sigma = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const
const words = 16
const rounds = 20
const rows = [
  [0, 4, 8, 12],
  [5, 9, 13, 1],
  [10, 14, 2, 6],
  [15, 3, 7, 11],
  [0, 1, 2, 3],
  [5, 6, 7, 4],
  [10, 11, 8, 9],
  [15, 12, 13, 14],
] as const

export const salsaBlockBytes = 64

/** The key that XSalsa20 uses with the last 8 of its 24 bytes of nonce, made of the key and the first 16: HSalsa20. */
export function hsalsa20(key: Uint8Array, nonce: Uint8Array): Buffer {
  const mixed = mixture(stateOf(key, nonce))
  const subkey = Buffer.alloc(32)
  for (const [at, word] of [0, 5, 10, 15, 6, 7, 8, 9].entries()) subkey.writeInt32LE(mixed[word] ?? 0, at * 4)
  return subkey
}

/** Block number `counter`, below 2^32, of the key stream. */
export function salsa20Block(key: Uint8Array, nonce: Uint8Array, counter: number): Buffer {
  const input = Buffer.alloc(16)
  input.set(nonce.subarray(0, 8))
  input.writeUInt32LE(counter, 8)
  const state = stateOf(key, input)
  const mixed = mixture(state)
  const block = Buffer.alloc(salsaBlockBytes)
  for (const [at, word] of mixed.entries()) block.writeInt32LE((word + (state[at] ?? 0)) | 0, at * 4)
  return block
}

function stateOf(key: Uint8Array, input: Uint8Array): Int32Array {
  const bytes = Buffer.concat([key, input])
  const word = (at: number): number => bytes.readInt32LE(at * 4)
  const key4 = (at: number): number[] => [word(at), word(at + 1), word(at + 2), word(at + 3)]
  return Int32Array.of(sigma[0], ...key4(0), sigma[1], ...key4(8), sigma[2], ...key4(4), sigma[3])
}

function mixture(state: Int32Array): Int32Array {
  const x = new Int32Array(words)
  x.set(state)
  for (let round = 0; round < rounds; round += 2) {
    for (const [a, b, c, d] of rows) {
      add(x, b, a, d, 7)
      add(x, c, b, a, 9)
      add(x, d, c, b, 13)
      add(x, a, d, c, 18)
    }
  }
  return x
}

/** Word `to` is exclusive-ored with the rotated sum of two others. */
function add(x: Int32Array, to: number, one: number, other: number, by: number): void {
  const sum = ((x[one] ?? 0) + (x[other] ?? 0)) | 0
  x[to] = (x[to] ?? 0) ^ ((sum << by) | (sum >>> (32 - by)))
}
