/**
 * Poly1305 (RFC 8439 2.5), which Node has only inside ChaCha20-Poly1305. Numbers of 130 bits are ten limbs of 13: all products and sums stay
 * whole numbers below 2^40. Tests hold it against the RFC's vectors and libsodium.
 */

const limbs = 10
const limbBits = 13
const limbSize = 2 ** limbBits
const blockBytes = 16

/** The 16 bytes that authenticate a message under a key of 32 bytes that is used once. */
export function poly1305(key: Uint8Array, message: Uint8Array): Buffer {
  const clamped = Buffer.from(key.subarray(0, blockBytes))
  for (const at of [3, 7, 11, 15]) clamped[at] = (clamped[at] ?? 0) & 15
  for (const at of [4, 8, 12]) clamped[at] = (clamped[at] ?? 0) & 252
  const r = new Float64Array(limbs)
  addBlock(r, clamped, 0)
  let sum = new Float64Array(limbs)
  let next = new Float64Array(limbs)
  for (let at = 0; at < message.length; at += blockBytes) {
    addBlock(sum, message.subarray(at, at + blockBytes), 1)
    multiply(next, sum, r)
    ;[sum, next] = [next, sum]
  }
  return plus(reduced(sum), key.subarray(blockBytes))
}

/** Adds a block, with a byte behind it, as a number. */
function addBlock(sum: Float64Array, block: Uint8Array, behind: number): void {
  const bytes = Buffer.alloc(blockBytes + 4)
  bytes.set(block)
  bytes[block.length] = behind
  for (let i = 0; i < limbs; i++) {
    const bit = i * limbBits
    sum[i] = (sum[i] ?? 0) + ((bytes.readUIntLE(bit >> 3, 3) >>> (bit & 7)) % limbSize)
  }
}

/** Modulo 2^130 - 5: what passes the top comes back at the bottom, times 5. */
function multiply(product: Float64Array, a: Float64Array, r: Float64Array): void {
  for (let i = 0; i < limbs; i++) {
    let sum = 0
    for (let j = 0; j <= i; j++) sum += (a[j] ?? 0) * (r[i - j] ?? 0)
    for (let j = i + 1; j < limbs; j++) sum += 5 * (a[j] ?? 0) * (r[i - j + limbs] ?? 0)
    product[i] = sum
  }
  wrap(product)
}

function wrap(number: Float64Array): void {
  const over = carry(number)
  number[0] = (number[0] ?? 0) + 5 * over
}

/** Brings every limb below its size; what is left over at the top. */
function carry(number: Float64Array): number {
  let over = 0
  for (let i = 0; i < limbs; i++) {
    const sum = (number[i] ?? 0) + over
    over = Math.floor(sum / limbSize)
    number[i] = sum - over * limbSize
  }
  return over
}

/** The one below 2^130 - 5, without a branch on secrets. */
function reduced(number: Float64Array): Float64Array {
  wrap(number)
  wrap(number)
  const less = Float64Array.from(number)
  less[0] = (less[0] ?? 0) + 5
  const isLess = carry(less)
  return number.map((limb, i) => limb + isLess * ((less[i] ?? 0) - limb))
}

/** Their sum modulo 2^128, as bytes. */
function plus(number: Float64Array, addend: Uint8Array): Buffer {
  const bytes = Buffer.alloc(blockBytes)
  let [rest, bits, over, next] = [0, 0, 0, 0]
  for (let at = 0; at < blockBytes; at++) {
    if (bits < 8) {
      rest += (number[next++] ?? 0) * 2 ** bits
      bits += limbBits
    }
    over += (rest & 255) + (addend[at] ?? 0)
    bytes[at] = over & 255
    over >>>= 8
    rest >>>= 8
    bits -= 8
  }
  return bytes
}
