/** webapp2's signature: HMAC-SHA1 (RFC 2104) of `name|payload|timestamp`, the secret itself as the key, as lower-case hex. */
import { hash, timingSafeEqual } from 'node:crypto'

const blockBytes = 64
const hexLength = 40

export type Signer = (text: string) => string

const digestBytes = 20
const signersMax = 16
const signers = new Map<string, Signer>()

/** The signer of a key. Those of the last few texts are kept: a reader is asked with the same one again and again. */
export function signer(secretKey: string | Uint8Array): Signer {
  if (typeof secretKey !== 'string') return newSigner(Buffer.from(secretKey))
  const known = signers.get(secretKey)
  if (known !== undefined) return known
  if (signers.size === signersMax) signers.clear()
  const made = newSigner(Buffer.from(secretKey, 'utf8'))
  signers.set(secretKey, made)
  return made
}

/**
 * Two one-shot hashes into buffers that are laid out once: a third of what `createHmac` costs, which makes a key object each time.
 * Tests hold it against that one.
 */
function newSigner(given: Buffer): Signer {
  const key = given.length > blockBytes ? Buffer.from(hash('sha1', given, 'hex'), 'hex') : given
  let inner = Buffer.alloc(blockBytes + 1024, 0x36)
  const outer = Buffer.alloc(blockBytes + digestBytes, 0x5c)
  for (const [i, byte] of key.entries()) {
    inner[i] = byte ^ 0x36
    outer[i] = byte ^ 0x5c
  }
  return (text) => {
    const bytesMax = blockBytes + text.length * 3
    if (inner.length < bytesMax) inner = Buffer.concat([inner], bytesMax)
    const end = blockBytes + inner.write(text, blockBytes, 'utf8')
    outer.write(hash('sha1', inner.subarray(0, end), 'hex'), blockBytes, digestBytes, 'hex')
    return hash('sha1', outer, 'hex')
  }
}

/** Compares two signatures in a time that says nothing about where they differ. */
export function sameSignature(given: string, computed: string): boolean {
  if (given.length !== hexLength) return false
  return timingSafeEqual(Buffer.from(given, 'latin1'), Buffer.from(computed, 'latin1'))
}
