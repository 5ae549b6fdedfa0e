/**
 * A token that proves a form was served to this session: 48 url-safe characters.
 *
 *     base64url(mask 18 ‖ mask XOR MAC 18)
 *
 * MAC is the first 18 bytes of HMAC-SHA256 over the hash of the session's secret, under a key of its own, so a token dies with the
 * secret: at sign-in, rotation and sign-out. The mask is new for every page: a token repeated in compressed pages
 * could be guessed letter by letter (BREACH). 36 bytes leave base64url no spare bits: one spelling for each token.
 */
import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto'
import type { State } from './body.ts'
import type { Ring } from './keys.ts'
import { draw } from './random.ts'
import type { Random } from './types.ts'

const size = 18
const shape = /^[A-Za-z0-9_-]{48}$/

/** Makes and checks the tokens of sessions. */
export interface CsrfTokens {
  make(state: State): string
  matches(state: State, token: unknown): boolean
}

/** Tokens over a ring: the newest key makes them, any checks them. */
export function createCsrfTokens(ring: Ring, random: Random): CsrfTokens {
  const keys = [...ring.byKid.values()].map((key) => key.derive('csrf'))
  const [newest] = keys as [KeyObject]
  return {
    make: (state) => csrfToken(newest, boundTo(state), random),
    matches: (state, token) => {
      // A page from before a rotation may still be open.
      const bound = state.previous === null ? [boundTo(state)] : [boundTo(state), state.previous.secretHash]
      return keys.some((key) => bound.some((hash) => csrfTokenMatches(key, hash, token)))
    },
  }
}

/** A sealed session has no secret; there the token stays the same until sign-out. */
function boundTo(state: State): string {
  return state.secretHash === '' ? state.id : state.secretHash
}

/** A token for the session whose secret has this hash; another text at every call. Throws `random_failed`. */
export function csrfToken(key: KeyObject, secretHash: string, random: Random): string {
  const mask = draw(random, size)
  return Buffer.concat([mask, xor(mask, macOf(key, secretHash))]).toString('base64url')
}

/** Whether `token` was made for this session. Takes what a client sent, whatever it is, and never throws. */
export function csrfTokenMatches(key: KeyObject, secretHash: string, token: unknown): boolean {
  if (typeof token !== 'string' || !shape.test(token)) return false
  const bytes = Buffer.from(token, 'base64url')
  return timingSafeEqual(xor(bytes.subarray(0, size), bytes.subarray(size)), macOf(key, secretHash))
}

function macOf(key: KeyObject, secretHash: string): Buffer {
  return createHmac('sha256', key).update(secretHash).digest().subarray(0, size)
}

function xor(left: Uint8Array, right: Uint8Array): Uint8Array {
  return left.map((byte, at) => byte ^ (right[at] ?? 0))
}
