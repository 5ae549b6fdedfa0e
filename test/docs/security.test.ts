import { describe, expect, test } from 'vitest'
import { entries } from '../../scripts/catalogue.ts'
import { blocksOf } from '../../scripts/doc-blocks.ts'
import { textOf } from '../../scripts/source.ts'

const page = textOf('docs/security.md')

/** The cells of the rows of the first table. */
const points = page
  .split('\n')
  .filter((line) => /^\| [A-Z]/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, advice = '', does = '', setting = '', rows = '']) => ({ advice, does, setting, rows }))

// Compiled and run with the other blocks: a setting that stands here exists, with the default written there.
const code = blocksOf('docs/security.md', page)
  .map((block) => block.code)
  .join('\n')

test('S2.11 the page makes its points', () => {
  expect(points.length).toBeGreaterThan(20)
})

describe.each(points)('S2.11 $advice', ({ setting, rows }) => {
  test('names the setting or default that implements it', () => {
    const settings = [...setting.matchAll(/`([a-z][A-Za-z]*(?:\.[a-z][A-Za-z]*)?)` \(/g)].map(([, name = '']) => name)
    expect(settings.length > 0 || setting.includes('always'), setting).toBe(true)
    const unknown = settings.flatMap((name) => name.split('.')).filter((name) => !new RegExp(`\\b${name}\\b`).test(code))
    expect(unknown, 'every setting named stands in a block below the table').toEqual([])
  })

  test('names the guarantees that prove it', () => {
    const known = new Set(entries().map(({ id }) => id))
    expect(rows.split(' ').filter((id) => !known.has(id))).toEqual([])
  })
})
