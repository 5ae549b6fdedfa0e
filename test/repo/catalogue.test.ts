import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { claims, claimsOf, coverageMarkdown, entries, entriesOf, idsIn } from '../../scripts/catalogue.ts'
import { root, textOf } from '../../scripts/source.ts'

const all = entries()

test('the catalogue names every id once', () => {
  const ids = all.map(({ id }) => id)
  expect(ids.length).toBeGreaterThan(150)
  expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([])
})

test('every id a test claims stands in the catalogue', () => {
  const known = new Set(all.map(({ id }) => id))
  const strangers = claims().filter(({ id }) => !known.has(id))
  expect(strangers.map(({ id, file, name }) => `${id} in ${file}: ${name}`)).toEqual([])
})

test('docs/coverage.md is up to date', () => {
  const file = 'docs/coverage.md'
  const written = existsSync(join(root, file)) ? textOf(file) : ''
  expect(written === coverageMarkdown(all, claims()), 'it is not: npm run catalogue -- --write').toBe(true)
})

// Split, so that these examples do not claim a row themselves.
const named = (ids: string) => `test('${ids} holds (${'T-01'})', f)`

describe('reading ids', () => {
  test.each([
    ['C-04', ['C-04']],
    ['S1.10', ['S1.10']],
    ['L-05/06', ['L-05', 'L-06']],
    ['C-01, C-02 and S3.9', ['C-01', 'C-02', 'S3.9']],
    ['R-01…04', ['R-01', 'R-02', 'R-03', 'R-04']],
    ['S1.8–10', ['S1.8', 'S1.9', 'S1.10']],
  ])('%s', (text, ids) => {
    expect(idsIn(text)).toEqual(ids)
    expect(claimsOf('a.test.ts', named(text)).map(({ id }) => id)).toEqual([...ids, 'T-01'])
  })

  test.each(['UTF-8', 'S9.1', 'AES-256', 'X-User', 'HTTP/1.1', 'SHA-256'])('%s is no id', (text) => {
    expect(idsIn(text)).toEqual([])
  })

  test('a name has to begin with the id and go on in words', () => {
    expect(claimsOf('a.test.ts', `lacks('R-02'); f('as in R-02')`)).toEqual([])
    expect(claimsOf('a.test.ts', ['f(`R-02', '${n} writers`)'].join(' '))).toHaveLength(1)
  })

  test('rows are read from tables, with the heading they stand under', () => {
    const markdown = '### C — bytes\n\nsee T-01\n\n| id | done |\n|---|---|\n| L-05/06 | as T-02 |\n'
    expect(entriesOf(markdown)).toEqual([
      { id: 'L-05', section: 'C — bytes' },
      { id: 'L-06', section: 'C — bytes' },
    ])
  })
})
