/** NaCl's secretbox: XSalsa20 with Poly1305, a key of 32 bytes and a nonce of 24. */
import { timingSafeEqual } from 'node:crypto'
import { poly1305 } from './poly1305.ts'
import { hsalsa20, salsa20Block, salsaBlockBytes } from './salsa20.ts'

export const secretboxKeyBytes = 32
export const secretboxNonceBytes = 24
const tagBytes = 16

/** The plaintext of a box (the tag, then the ciphertext), or `null` when it was not made under this key. */
export function openSecretbox(box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Buffer | null {
  if (box.length < tagBytes || nonce.length !== secretboxNonceBytes || key.length !== secretboxKeyBytes) return null
  const subkey = hsalsa20(key, nonce.subarray(0, 16))
  const block = (counter: number): Buffer => salsa20Block(subkey, nonce.subarray(16), counter)
  const first = block(0)
  const [tag, sealed] = [box.subarray(0, tagBytes), box.subarray(tagBytes)]
  if (!timingSafeEqual(poly1305(first.subarray(0, 32), sealed), tag)) return null
  // The stream's first 32 bytes were the authenticator's key.
  const blocks = [first]
  while (blocks.length * salsaBlockBytes - 32 < sealed.length) blocks.push(block(blocks.length))
  const stream = Buffer.concat(blocks).subarray(32)
  return Buffer.from(sealed.map((byte, at) => byte ^ (stream[at] ?? 0)))
}
