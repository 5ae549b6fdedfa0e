import { createSecretKey, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { csrfToken, csrfTokenMatches } from '../../src/core/csrf-token.ts'
import { codeOf } from './support.ts'

const key = createSecretKey(randomBytes(32))
const otherKey = createSecretKey(randomBytes(32))
const hash = randomBytes(32).toString('base64url')
const token = csrfToken(key, hash, randomBytes)
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

test('X-05 a token opens its own session, under its own key', () => {
  expect(token).toMatch(/^[A-Za-z0-9_-]{48}$/)
  expect(csrfTokenMatches(key, hash, token)).toBe(true)
  expect(csrfTokenMatches(otherKey, hash, token)).toBe(false)
})

test('X-05 another session, a rotated secret or a new sign-in has another token', () => {
  for (const other of [randomBytes(32).toString('base64url'), `${hash}A`, hash.slice(1), hash.toLowerCase(), '']) {
    expect(csrfTokenMatches(key, other, token), other).toBe(false)
  }
})

test('X-05 every use has its own mask, so nothing of the token repeats (BREACH)', () => {
  const tokens = Array.from({ length: 1000 }, () => csrfToken(key, hash, randomBytes))
  expect(new Set(tokens).size).toBe(1000)
  for (const one of tokens) expect(csrfTokenMatches(key, hash, one)).toBe(true)
  for (let at = 0; at < 48; at++) expect(new Set(tokens.map((one) => one[at])).size, `character ${at}`).toBeGreaterThan(40)
})

describe('X-05 one spelling', () => {
  test('X-05 every other character at every place is another token', () => {
    let accepted = 0
    for (let at = 0; at < token.length; at++) {
      for (const char of alphabet) {
        if (char === token[at]) continue
        accepted += csrfTokenMatches(key, hash, token.slice(0, at) + char + token.slice(at + 1)) ? 1 : 0
      }
    }
    expect(accepted).toBe(0)
  })

  test('X-05 the same bit flipped in mask and MAC is another spelling, and only makers of tokens can write one', () => {
    // XOR forgives it by its nature: a mask is a mask. It helps nobody who has no token of this session.
    const bytes = Buffer.from(token, 'base64url')
    bytes[0] = (bytes[0] ?? 0) ^ 1
    bytes[18] = (bytes[18] ?? 0) ^ 1
    expect(csrfTokenMatches(key, hash, bytes.toString('base64url'))).toBe(true)
    bytes[18] = (bytes[18] ?? 0) ^ 3
    expect(csrfTokenMatches(key, hash, bytes.toString('base64url'))).toBe(false)
  })

  test('X-05 truncated, lengthened, padded, decorated or otherwise spelled', () => {
    const wrong = [
      ...Array.from({ length: 48 }, (_, length) => token.slice(0, length)),
      ...['=', 'A', ' ', '\n', '%20', '.', 'AAAA', token].map((suffix) => token + suffix),
      ...['=', 'A', ' ', '\n', '\ufeff'].map((prefix) => prefix + token),
      Buffer.from(token, 'base64url').toString('hex'),
      `${token.slice(0, 47)}\u0100`,
      token.replaceAll(/./g, 'A'),
    ]
    for (const one of wrong) expect(csrfTokenMatches(key, hash, one), JSON.stringify(one)).toBe(false)
  })

  test('X-05 standard base64 is not url-safe base64', () => {
    const both = Array.from({ length: 1000 }, () => csrfToken(key, hash, randomBytes)).find((one) => /[-_]/.test(one)) ?? ''
    expect(csrfTokenMatches(key, hash, both)).toBe(true)
    expect(csrfTokenMatches(key, hash, both.replaceAll('-', '+').replaceAll('_', '/'))).toBe(false)
  })

  test.each([undefined, null, 0, true, {}, [], Symbol('token'), () => token])('X-05 %s is no token and no exception', (value) => {
    expect(csrfTokenMatches(key, hash, value)).toBe(false)
    expect(csrfTokenMatches(key, hash, [token])).toBe(false)
    expect(csrfTokenMatches(key, hash, { toString: () => token })).toBe(false)
  })
})

function broken(): never {
  throw new Error('no entropy')
}

test('T-02 a random source that fails makes no token', () => {
  expect(codeOf(() => csrfToken(key, hash, broken))).toBe('random_failed')
  expect(codeOf(() => csrfToken(key, hash, () => new Uint8Array(17)))).toBe('random_failed')
  expect(codeOf(() => csrfToken(key, hash, () => new Uint8Array(19)))).toBe('random_failed')
})

test('a plain Uint8Array is a mask as good as a Buffer', () => {
  const plain = csrfToken(key, hash, (size) => new Uint8Array(size).fill(7))
  expect(csrfTokenMatches(key, hash, plain)).toBe(true)
})
