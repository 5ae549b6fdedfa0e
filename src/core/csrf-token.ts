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
import { CoatcheckError } from './errors.ts'
import type { Random } from './types.ts'

const size = 18
const shape = /^[A-Za-z0-9_-]{48}$/

/** A token for the session whose secret has this hash; another text at every call. Throws `random_failed`. */
export function csrfToken(key: KeyObject, secretHash: string, random: Random): string {
  const mask = maskOf(random)
  return Buffer.concat([mask, xor(mask, macOf(key, secretHash))]).toString('base64url')
}

/** Whether `token` was made for this session. Takes what a client sent, whatever it is, and never throws. */
export function csrfTokenMatches(key: KeyObject, secretHash: string, token: unknown): boolean {
  if (typeof token !== 'string' || !shape.test(token)) return false
  const bytes = Buffer.from(token, 'base64url')
  return timingSafeEqual(xor(bytes.subarray(0, size), bytes.subarray(size)), macOf(key, secretHash))
}

function maskOf(random: Random): Uint8Array {
  let mask: Uint8Array
  try {
    mask = random(size)
  } catch (error) {
    throw new CoatcheckError('random_failed', 'the random source failed; no CSRF token was made', error)
  }
  if (mask.length === size) return mask
  throw new CoatcheckError('random_failed', `the random source gave ${mask.length} bytes instead of ${size}; no CSRF token was made`)
}

function macOf(key: KeyObject, secretHash: string): Buffer {
  return createHmac('sha256', key).update(secretHash).digest().subarray(0, size)
}

function xor(left: Uint8Array, right: Uint8Array): Uint8Array {
  return left.map((byte, at) => byte ^ (right[at] ?? 0))
}
