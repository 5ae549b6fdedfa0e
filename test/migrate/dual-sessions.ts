/** What the tests of changing old sessions have in common. */
import { expect } from 'vitest'
import type { DualWrite, OldChanges } from '../../src/index.ts'

export const secret = 'a secret with minimum length of 32 characters'
export const sid = 'Cdp60xWt7ewrGsQT8h7h1sTG8aaFU8Ee'
export const sunset = '2099-12-31'
export const hourMs = 3_600_000
export const changes: OldChanges = { set: { a: 2, cookie: 'ours' }, drop: ['b', 'cookie'] }

export function dual(reader: { readonly dualWrite?: DualWrite }): DualWrite {
  if (reader.dualWrite === undefined) throw new Error('no dualWrite')
  return reader.dualWrite
}

/** A session as express-session stores it. */
export function stored(maxAge: number | null, sinceMs = Date.now()): object {
  const expires = maxAge === null ? {} : { expires: new Date(sinceMs + maxAge).toISOString() }
  return { cookie: { originalMaxAge: maxAge, httpOnly: true, path: '/', ...expires }, a: 1, b: 1 }
}

export function expectNear(ms: number | undefined, expectedMs: number): void {
  expect(Math.abs(Number(ms) - expectedMs)).toBeLessThan(30_000)
}
