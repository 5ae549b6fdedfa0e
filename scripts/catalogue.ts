// npm run catalogue: which rows of docs/guarantees.md have a test that carries their id in its name, and which do not.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { filesUnder, root, stringsOf, textOf } from './source.ts'

const help = `npm run catalogue [-- options]

Finds every id of docs/guarantees.md in the names of the tests under test/ and src/testing/.

  --missing   only the ids no test claims yet
  --json      the same as data
  --write     write docs/coverage.md
  --help      this text`

export interface Entry {
  readonly id: string
  /** The heading the row stands under, such as `F — store faults`. */
  readonly section: string
}

export interface Claim {
  readonly id: string
  readonly file: string
  /** The name of the test, or of the check in a contract suite. */
  readonly name: string
}

const anyId = /\b(S[0-4]\.|[A-Z]-)(\d+)((?:(?:\/|–|…|\.\.)\d+)*)(?!\d)/g

/** The ids a text names, in order: `C-01`, `S1.3`, lists such as `L-05/06`, ranges such as `R-01…04`. */
export function idsIn(text: string): string[] {
  return [...text.matchAll(anyId)].flatMap(([, prefix = '', first = '', rest = '']) => {
    const numbers = [first]
    for (const [, joint, next = ''] of rest.matchAll(/(\/|–|…|\.\.)(\d+)/g)) {
      const from = Number(numbers.at(-1)) + 1
      if (joint !== '/') for (let n = from; n < Number(next); n++) numbers.push(String(n).padStart(first.length, '0'))
      numbers.push(next)
    }
    return numbers.map((number) => prefix + number)
  })
}

/** Every row of the catalogue: the ids in the first cell of its tables. */
export function entriesOf(markdown: string): Entry[] {
  let section = ''
  return markdown.split('\n').flatMap((line) => {
    if (line.startsWith('#')) section = line.replace(/^#+ /, '')
    const [, cell = ''] = /^\| ([^|]+?) +\|/.exec(line) ?? []
    return idsIn(cell).map((id) => ({ id, section }))
  })
}

/**
 * What the tests of one file claim: a string that begins with an id and goes on in words is a name, and claims every id in
 * it. Contract suites keep their checks in tables, so a name need not be an argument of `test`.
 */
export function claimsOf(file: string, text: string): Claim[] {
  const names = stringsOf(file, text).filter((name) => idsIn(name.split(' ')[0] ?? '').length > 0 && name.includes(' '))
  return names.flatMap((name) => idsIn(name).map((id) => ({ id, file, name })))
}

export function entries(): Entry[] {
  return entriesOf(textOf('docs/guarantees.md'))
}

export function claims(): Claim[] {
  const files = [...filesUnder('test').filter((file) => file.endsWith('.test.ts')), ...filesUnder('src/testing')]
  return files.filter((file) => file.endsWith('.ts')).flatMap((file) => claimsOf(file, textOf(file)))
}

/** docs/coverage.md: files, not names, so that it changes only when the coverage does. */
export function coverageMarkdown(rows: readonly Entry[], claimed: readonly Claim[]): string {
  const sections = [...new Set(rows.map(({ section }) => section))].map((section) => {
    const lines = rows.filter((row) => row.section === section).map(({ id }) => `| ${id} | ${filesOf(id, claimed)} |`)
    return `## ${section}\n\n| id | covered by |\n|---|---|\n${lines.join('\n')}\n`
  })
  return `# Coverage

Which rows of [the guarantees](guarantees.md) have a test that carries their id. Written by \`npm run catalogue -- --write\`; a test keeps it true.

${totals(rows, claimed)}

${sections.join('\n')}`
}

function filesOf(id: string, claimed: readonly Claim[]): string {
  const files = [...new Set(claimed.filter((one) => one.id === id).map((one) => one.file))]
  return files.length > 0 ? files.map((file) => `\`${file}\``).join(', ') : 'not yet'
}

function totals(rows: readonly Entry[], claimed: readonly Claim[]): string {
  const covered = rows.filter(({ id }) => claimed.some((one) => one.id === id)).length
  return `${covered} of ${rows.length} ids have a test, ${rows.length - covered} do not.`
}

function table(rows: readonly Entry[], claimed: readonly Claim[]): string {
  const lines = rows.flatMap(({ id, section }) => {
    const mine = claimed.filter((one) => one.id === id)
    if (mine.length === 0) return [`${id.padEnd(6)} not yet (${section})`]
    const [first] = mine
    const others = mine.length > 1 ? `  (+${mine.length - 1})` : ''
    return [`${id.padEnd(6)} ${first?.file}: ${first?.name.slice(0, 90)}${others}`]
  })
  return [...lines, '', totals(rows, claimed)].join('\n')
}

function main(): void {
  const { values } = parseArgs({
    options: { missing: { type: 'boolean' }, json: { type: 'boolean' }, write: { type: 'boolean' }, help: { type: 'boolean' } },
  })
  if (values.help) return console.log(help)
  const claimed = claims()
  const all = entries()
  if (values.write) writeFileSync(join(root, 'docs/coverage.md'), coverageMarkdown(all, claimed))
  const shown = values.missing ? all.filter(({ id }) => !claimed.some((one) => one.id === id)) : all
  if (values.json)
    return console.log(
      JSON.stringify(
        shown.map((entry) => ({ ...entry, tests: claimed.filter((one) => one.id === entry.id) })),
        null,
        2,
      ),
    )
  console.log(
    values.missing
      ? [...shown.map(({ id, section }) => `${id.padEnd(6)} ${section}`), '', totals(all, claimed)].join('\n')
      : table(all, claimed),
  )
}

if (import.meta.main) main()
