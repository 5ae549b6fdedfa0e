/** The readers under fuzzing, the short way; `npm run test:gate -- --only readers` has two million inputs. */
import { describe, expect, test } from 'vitest'
import { fuzz, readsGenuine } from '../gate/readers.ts'
import { Dice } from '../support/random.ts'
import { readersToFuzz, type FuzzedReader } from './fuzzed.ts'

const seed = Date.now() % 1_000_000
const count = 2_000

describe.each(readersToFuzz)('$name', (reader) => {
  test(`M-02 S0.5 ${count} changed inputs: nothing thrown, nothing slow, no prototype touched (seed ${seed})`, () => {
    expect(fuzz(reader, new Dice(seed), count)).toEqual([])
    expect(readsGenuine(reader)).toBe(true)
  })
})

describe('the fuzzer sees', () => {
  const reader = (read: FuzzedReader['read']): FuzzedReader => ({ name: 'planted', genuine: ['abc'], read })
  const strange = Object.create({ polluted: 1 }) as object

  test.each([
    ['what throws', reader((input) => (input.length > 2 ? JSON.parse('{') : null)), /throws/],
    ['what is slow', reader(() => busyFor(7)), /takes/],
    ['a prototype of its own', reader(() => ({ a: [new Map([['k', strange]])] })), /prototype/],
  ])('%s', (_what, planted, message) => {
    expect(fuzz(planted, new Dice(1), 40)[0]).toMatch(message)
  })

  test('what touches Object.prototype', () => {
    const everyObject = Object.prototype as { polluted?: number }
    try {
      const planted = reader(() => void (everyObject.polluted = 1))
      expect(fuzz(planted, new Dice(1), 300).join()).toMatch(/a prototype was touched/)
    } finally {
      delete everyObject.polluted
    }
  })
})

function busyFor(ms: number): null {
  const until = performance.now() + ms
  while (performance.now() < until);
  return null
}
