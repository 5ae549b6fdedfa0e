/**
 * JWE, compact, for which both sides have the key (`alg: dir`, RFC 7516 and 7518 5):
 *
 *   <header>..<iv>.<ciphertext>.<tag>   base64url; the header, which is authenticated too, says A256GCM or A256CBC-HS512
 *
 * A header may say what Auth.js says and nothing more: no other algorithm, nothing compressed (`zip`), no extension (`crit`).
 */
import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import { base64urlBytes } from './base64url.ts'
import { jsonValues } from './json-values.ts'

export type JweEncryption = 'A256GCM' | 'A256CBC-HS512'

export const jweKeyBytes = { A256GCM: 32, 'A256CBC-HS512': 64 } as const
/** Keys by the encryption they are for, each list newest first. */
export type JweKeys = Readonly<Partial<Record<JweEncryption, readonly Uint8Array[]>>>

interface Parts {
  readonly header: string
  readonly iv: Buffer
  readonly sealed: Buffer
  readonly tag: Buffer
}

const form = /^([\w-]{1,1024})\.\.([\w-]{16,22})\.([\w-]+)\.([\w-]{22,43})$/
const decryptions = { A256GCM: fromGcm, 'A256CBC-HS512': fromCbc } as const

/** The plaintext that one of the keys opens, or `null`. */
export function openJwe(token: string, keys: JweKeys): Buffer | null {
  const [, header = '', iv64 = '', sealed64 = '', tag64 = ''] = form.exec(token) ?? []
  const [json, iv, sealed, tag] = [base64urlBytes(header), base64urlBytes(iv64), base64urlBytes(sealed64), base64urlBytes(tag64)]
  if (json === null || iv === null || sealed === null || tag === null) return null
  const { alg, enc, ...others } = jsonValues(json.toString()) ?? {}
  const isKnown = enc === 'A256GCM' || enc === 'A256CBC-HS512'
  if (alg !== 'dir' || !isKnown || Object.keys(others).some((name) => name !== 'kid')) return null
  let plaintext: Buffer | null = null
  for (const key of keys[enc] ?? []) plaintext ??= decryptions[enc](key, { header, iv, sealed, tag })
  return plaintext
}

function fromGcm(key: Uint8Array, { header, iv, sealed, tag }: Parts): Buffer | null {
  if (iv.length !== 12 || tag.length !== 16) return null
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 }).setAAD(Buffer.from(header)).setAuthTag(tag)
  const text = decipher.update(sealed)
  try {
    return Buffer.concat([text, decipher.final()])
  } catch {
    // Not under this key.
    return null
  }
}

/** AES-256-CBC, then HMAC-SHA512 cut in half, over header, iv, ciphertext and the header's length in bits. */
function fromCbc(key: Uint8Array, { header, iv, sealed, tag }: Parts): Buffer | null {
  if (iv.length !== 16 || tag.length !== 32) return null
  const headerBits = Buffer.alloc(8)
  headerBits.writeUInt32BE(header.length * 8, 4)
  const mac = createHmac('sha512', key.subarray(0, 32)).update(header).update(iv).update(sealed).update(headerBits).digest()
  if (!timingSafeEqual(mac.subarray(0, 32), tag)) return null
  try {
    const decipher = createDecipheriv('aes-256-cbc', key.subarray(32), iv)
    return Buffer.concat([decipher.update(sealed), decipher.final()])
  } catch {
    // Authentic, but no whole blocks.
    return null
  }
}
