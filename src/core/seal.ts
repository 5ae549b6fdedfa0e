/**
 * A whole session inside a cookie, encrypted.
 *
 *     s1 │ kid 6 │ day 4 │ base64url(nonce 12 ‖ ciphertext ‖ tag 16)
 *
 * AES-256-GCM (NIST SP 800-38D) with the first twelve characters as additional data. The key is derived for one kid and one day
 * (days since 1970, three bytes big endian), so that random nonces stay far below 2^32 messages for a key without anybody
 * rotating anything. The plaintext is padded with line feeds until base64url has no spare bits: one spelling for each token.
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { draw } from './random.ts'
import type { Random } from './types.ts'
import type { Ring, RingKey } from './keys.ts'
import type { Flaw } from './ticket.ts'

export interface Seals {
  /** Opens a token sealed at most `lifeMax` ago. Never throws. */
  read(token: string, nowMs: number): { readonly text: string; readonly stale: boolean } | Flaw
  write(text: string, nowMs: number): string
}

const dayMs = 86_400_000
const headLength = 12
const shape = /^s1[A-Za-z0-9_-]{10}/
const bytesMin = 12 + 16
/** No cookie is longer. */
const lengthMax = 4096

/** Sealer over a ring. Tokens of days further back than `lifeMaxMs` are refused before a key is derived. */
export function createSeals(ring: Ring, random: Random, lifeMaxMs: number): Seals {
  const daysMax = Math.ceil(lifeMaxMs / dayMs) + 1
  const keys = new Map<string, KeyObject>()

  function keyFor(key: RingKey, day: number): KeyObject {
    const name = `${key.kid}${day}`
    let derived = keys.get(name)
    if (derived === undefined) {
      derived = key.derive(`seal ${day}`)
      if (keys.size > daysMax * ring.byKid.size * 2) keys.clear()
      keys.set(name, derived)
    }
    return derived
  }

  return {
    read(token, nowMs) {
      if (token.length > lengthMax || token.length % 4 !== 0 || !shape.test(token)) return 'malformed'
      const key = ring.byKid.get(token.slice(2, 8))
      if (key === undefined) return 'unknown_key'
      const day = Buffer.from(token.slice(8, headLength), 'base64url').readUIntBE(0, 3)
      const today = Math.floor(nowMs / dayMs)
      if (day > today + 1 || day < today - daysMax) return 'malformed'
      const sealed = token.slice(headLength)
      const bytes = Buffer.from(sealed, 'base64url')
      // Encoding again finds every other spelling, at a tenth of what a pattern over a kilobyte costs.
      if (bytes.length < bytesMin || bytes.toString('base64url') !== sealed) return 'malformed'
      const decipher = createDecipheriv('aes-256-gcm', keyFor(key, day), bytes.subarray(0, 12), { authTagLength: 16 })
      decipher.setAAD(Buffer.from(token.slice(0, headLength), 'latin1')).setAuthTag(bytes.subarray(-16))
      try {
        const text = decipher.update(bytes.subarray(12, -16)).toString('utf8')
        decipher.final()
        return { text: text.replace(/\n{1,2}$/, ''), stale: key !== ring.newest }
      } catch {
        return 'forged'
      }
    },
    write(text, nowMs) {
      const day = Math.floor(nowMs / dayMs)
      const dayBytes = Buffer.alloc(3)
      dayBytes.writeUIntBE(day, 0, 3)
      const head = 's1' + ring.newest.kid + dayBytes.toString('base64url')
      const spare = (3 - ((Buffer.byteLength(text) + 28) % 3)) % 3
      const nonce = draw(random, 12)
      const cipher = createCipheriv('aes-256-gcm', keyFor(ring.newest, day), nonce, { authTagLength: 16 })
      cipher.setAAD(Buffer.from(head, 'latin1'))
      const first = cipher.update(text + '\n'.repeat(spare), 'utf8')
      const last = cipher.final()
      return head + Buffer.concat([nonce, first, last, cipher.getAuthTag()]).toString('base64url')
    },
  }
}
