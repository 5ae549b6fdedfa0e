import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readKeys } from '../../src/core/key-sets.ts'
import { noTexts, Texts } from '../../src/core/texts.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const key: fc.Arbitrary<string> = fc.constantFrom('a', 'b', 'c', '', '__proto__', '1')
const step = fc.tuple(key, fc.option(fc.string({ maxLength: 2 }), { nil: undefined }))

it(`texts behave as a Map that nobody can change (SEED=${seed})`, () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.array(key), (steps, kept) => {
      const map = new Map<string, string>()
      let texts: Texts = noTexts
      for (const [name, line] of steps) {
        const before = texts
        const copy = [...before.keys]
        texts = texts.with(name, line)
        if (map.get(name) === line) expect(texts).toBe(before)
        expect(before.keys).toEqual(copy)
        if (line === undefined) map.delete(name)
        else map.set(name, line)
        expect([texts.keys, texts.lines, texts.size]).toEqual([[...map.keys()], [...map.values()], map.size])
        for (const one of ['a', '', 'nope', '__proto__']) expect([texts.get(one), texts.has(one)]).toEqual([map.get(one), map.has(one)])
      }
      const filtered = texts.filter((name) => kept.includes(name))
      expect(filtered.keys.map((name, i) => [name, filtered.lines[i]])).toEqual([...map].filter(([name]) => kept.includes(name)))
    }),
    { numRuns: 300, seed },
  )
  expect(noTexts.size).toBe(0)
})

it('D-06 a set of keys is kept while it is short; long ones, which visitors could fill the memory with, are not', () => {
  const read = (length: number): [unknown, unknown] => {
    const text = JSON.stringify(Array.from({ length }, (_, i) => `key ${i}`))
    return [readKeys(text), readKeys(text)]
  }
  const [short, again] = read(10)
  expect(again).toBe(short)
  const [long, anew] = read(900)
  expect(anew).not.toBe(long)
  expect(anew).toEqual(long)
})
