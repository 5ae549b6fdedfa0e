/**
 * What the client holds: 100 url-safe characters, and exactly one spelling of each ticket.
 *
 *     t1 │ kid 6 │ id 24 │ secret 44 │ MAC 24
 *
 * id is 18 random bytes, secret 33, the MAC the first 18 bytes of HMAC-SHA256 over all that stands before it. Every part begins
 * at a multiple of four characters, so base64url has no spare bits in which a second spelling could hide.
 * The row keeps SHA-256 of the secret's text and never the secret.
 */
import { hash } from 'node:crypto'
import type { Ring } from './keys.ts'
import { createComparison, createMac } from './mac.ts'
import { draw } from './random.ts'
import type { Random } from './types.ts'

/** A genuine ticket. That it opens anything is for its row to say. */
export interface Ticket {
  readonly id: string
  readonly secret: string
  readonly secretHash: string
  /** Made with an older key than the ring's newest. */
  readonly stale: boolean
}

/** Why a token is not one of ours. */
export type Flaw = 'malformed' | 'unknown_key' | 'forged'

export interface Tickets {
  /** Recognises a ticket without any I/O. Never throws. */
  read(text: string): Ticket | Flaw
  write(id: string, secret: string): string
}

const signedLength = 76
const macLength = 24
const sameMac = createComparison(macLength)
const shape = /^t1[A-Za-z0-9_-]{98}$/

/** Ticket reader and writer over a ring. */
export function createTickets(ring: Ring): Tickets {
  const macs = new Map(Array.from(ring.byKid, ([kid, key]) => [kid, createMac(key.derive('ticket'), signedLength)]))
  const newest = ring.newest.kid
  const signature = (kid: string, signed: string): string | undefined => macs.get(kid)?.(signed).slice(0, macLength)
  return {
    read(text) {
      if (text.length !== 100 || !shape.test(text)) return 'malformed'
      const kid = text.slice(2, 8)
      const mac = signature(kid, text.slice(0, signedLength))
      if (mac === undefined) return 'unknown_key'
      if (!sameMac(mac, text.slice(signedLength))) return 'forged'
      const secret = text.slice(32, signedLength)
      return { id: text.slice(8, 32), secret, secretHash: hashOf(secret), stale: kid !== newest }
    },
    write(id, secret) {
      const signed = 't1' + newest + id + secret
      return signed + signature(newest, signed)
    },
  }
}

/** What the row keeps of a secret. */
export function hashOf(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

/** A fresh public id: 144 random bits. */
export function mintId(random: Random): string {
  return mint(random, 18)
}

/** A fresh secret: 264 random bits. */
export function mintSecret(random: Random): string {
  return mint(random, 33)
}

function mint(random: Random, size: number): string {
  const bytes = draw(random, size)
  return Buffer.from(bytes.buffer, bytes.byteOffset, size).toString('base64url')
}
