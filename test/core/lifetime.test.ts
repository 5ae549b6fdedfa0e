import { describe, expect, it } from 'vitest'
import { emptyState } from '../../src/core/body.ts'
import { endedBy, lastUsedAt, nextExpiry, resolveLifetime, touchDue } from '../../src/core/lifetime.ts'

const hourMs = 3_600_000
const lifetime = resolveLifetime({ idle: '1h', absolute: '8h', touchEvery: '1m' })
const state = emptyState(0, 0)

describe('what is left open', () => {
  it('is an hour idle, a day absolute, a touch a minute, and no longer than the browser runs', () => {
    expect(resolveLifetime({})).toEqual({ idleMs: hourMs, absoluteMs: 24 * hourMs, persistent: false, touchEveryMs: 60_000 })
  })

  it('shrinks with what is given', () => {
    expect(resolveLifetime({ absolute: '10m' })).toMatchObject({ idleMs: 600_000, touchEveryMs: 20_000 })
    expect(resolveLifetime({ idle: '15m' }).touchEveryMs).toBe(30_000)
  })
})

it.each([
  [0, hourMs, null],
  [hourMs, hourMs, null],
  [hourMs + 1, hourMs, 'idle'],
  [8 * hourMs, 9 * hourMs, null],
  [8 * hourMs + 1, 9 * hourMs, 'absolute'],
  [-5 * 60_000, hourMs, null],
  [-5 * 60_000 - 1, hourMs, 'clock'],
])('at %i ms a session that expires at %i is over by %s', (nowMs, expiresAt, why) => {
  expect(endedBy(state, expiresAt, nowMs, lifetime)).toBe(why)
})

it('expiry moves with use, and never past the absolute end', () => {
  expect([0, 1, 7 * hourMs, 7 * hourMs + 1, 8 * hourMs].map((nowMs) => nextExpiry(0, nowMs, lifetime))).toEqual([
    hourMs,
    hourMs + 1,
    8 * hourMs,
    8 * hourMs,
    8 * hourMs,
  ])
})

it('a touch is due once a minute, never backwards, and never when nothing is left to gain', () => {
  expect([0, 59_999, 60_000, -60_000].map((nowMs) => touchDue(0, hourMs, nowMs, lifetime))).toEqual([false, false, true, false])
  expect(touchDue(0, 8 * hourMs, 7.9 * hourMs, lifetime)).toBe(false)
  expect(touchDue(0, 10, 0, { ...lifetime, idleMs: 10, touchEveryMs: 0 })).toBe(false)
  expect(touchDue(0, 10, 1, { ...lifetime, idleMs: 10, touchEveryMs: 0 })).toBe(true)
})

it('the last use can be told from the expiry, until the absolute end hides it', () => {
  for (const nowMs of [0, hourMs, 6.5 * hourMs]) expect(lastUsedAt(state, nextExpiry(0, nowMs, lifetime), lifetime)).toBe(nowMs)
  expect(lastUsedAt(state, nextExpiry(0, 7.5 * hourMs, lifetime), lifetime)).toBeLessThanOrEqual(7.5 * hourMs)
})
