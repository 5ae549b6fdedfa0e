/** What is written into memcached: the value and its expiry. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeItem, encodeItem } from '../../src/stores/memcached/item.ts'
import { expiryOf } from '../../src/stores/memcached/lifetime.ts'
import { hourMs, row } from './memcached-tools.ts'

describe('an item', () => {
  test('P-06 comes back as it was', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 200 })
    const columns = fc.record({ body: text, user: fc.option(text), expiresAt: fc.maxSafeInteger() })
    fc.assert(
      fc.property(columns, (one) => void expect(decodeItem(encodeItem(one))).toEqual(one)),
      { numRuns: 2_000 },
    )
  })

  test('what would not come back is value_invalid', () => {
    for (const wrong of [{ body: '\ud800' }, { user: 'a\udc00' }, { expiresAt: 1.5 }, { expiresAt: Number.NaN }]) {
      expect(() => encodeItem(row(wrong))).toThrow(expect.objectContaining({ code: 'value_invalid' }))
    }
  })

  test('P-05 bytes of somebody else are none', () => {
    const foreign = [
      '',
      'cc1',
      'cc1 5 -',
      'cc1 5 9\nshort',
      'cc2 5 -\nx',
      'cc1 5.5 -\nx',
      'cc1 99999999999999999 -\nx',
      'cc1  5 -\nx',
      '{"a":1}',
      '\x80\x04\x95\n',
    ]
    for (const text of foreign) expect(decodeItem(Buffer.from(text, 'latin1')), text).toBeNull()
    expect(decodeItem(Buffer.from('cc1 5 -\n\xff', 'latin1'))).toBeNull()
    expect(decodeItem(Buffer.from('cc1 5 1\né'))).toBeNull()
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void expect(decodeItem(Buffer.from(bytes))).toBeNull()))
  })
})

describe('L-05 the server’s expiry', () => {
  const now = Date.UTC(2026, 10, 5)
  const dayMs = 24 * hourMs

  test('is never before the row’s, and within two days after it', () => {
    fc.assert(
      fc.property(fc.integer({ min: -dayMs, max: 4_000 * dayMs }), fc.nat(999), (leftMs, sinceTickMs) => {
        const expiry = expiryOf(now + leftMs, now)
        // How memcached reads it: a number of ticks of its clock, or a date.
        const endsMs = expiry <= 30 * 86_400 ? now - sinceTickMs + expiry * 1_000 : expiry * 1_000
        expect(expiry).toBeGreaterThan(0)
        expect(endsMs).toBeGreaterThanOrEqual(now + Math.max(0, leftMs))
        expect(endsMs).toBeLessThan(now + Math.max(0, leftMs) + 2 * dayMs)
      }),
    )
  })

  test('after 2038 is never: memcached reads 32 bits', () => {
    expect(expiryOf(Date.UTC(2037, 11, 31), now)).toBeLessThan(2 ** 31)
    for (const year of [2039, 9999]) expect(expiryOf(Date.UTC(year, 1, 1), now)).toBe(0)
  })
})
