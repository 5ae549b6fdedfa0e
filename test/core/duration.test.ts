import { expect, it } from 'vitest'
import { durationMs } from '../../src/core/duration.ts'

it.each([
  [0, 0],
  [1_500, 1_500],
  [0.4, 0],
  ['0s', 0],
  ['250ms', 250],
  ['30s', 30_000],
  ['1.5h', 5_400_000],
  ['15m', 900_000],
  ['400d', 34_560_000_000],
])('%s is %i ms', (duration, ms) => {
  expect(durationMs('x', duration)).toBe(ms)
})

const junk = [
  '',
  ' 1s',
  '1s ',
  '1 s',
  '1',
  '-1s',
  '+1s',
  '1e3s',
  '.5s',
  '5.s',
  '1S',
  '1w',
  '1sm',
  '٣s',
  '1s\n',
  'Infinityms',
  '0x10s',
  `${'9'.repeat(400)}d`,
]

it.each([...junk, -1, Number.NaN, Number.POSITIVE_INFINITY, null, undefined, true, {}, [], '1s '.repeat(2), 10n, () => 1])(
  '%s is no duration',
  (value) => {
    expect(() => durationMs('lifetime.idle', value)).toThrowError(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('lifetime.idle is not a duration') }),
    )
  },
)
