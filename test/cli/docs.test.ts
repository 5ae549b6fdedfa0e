import { expect, test } from 'vitest'
import { allBlocks } from '../../scripts/doc-blocks.ts'
import { textOf } from '../../scripts/source.ts'
import { readArguments } from '../../src/cli/arguments.ts'
import { table } from '../../src/cli/commands/migrate/options.ts'
import { exits } from '../../src/cli/io.ts'
import { sources } from '../../src/cli/sources/index.ts'

const page = textOf('docs/cli.md')

test('every command in the documentation is one that exists, with options that exist', () => {
  const lines = allBlocks().flatMap(({ code, language }) => (language === 'sh' ? code.split('\n') : []))
  const commands = lines.flatMap((line) => /^npx coatcheck (\w+)(.*)/.exec(line.trim())?.slice(1) ?? [])
  expect(commands.length).toBeGreaterThan(6)
  for (let at = 0; at < commands.length; at += 2) {
    expect(commands[at]).toBe('migrate')
    const given = readArguments((commands[at + 1] ?? '').split(' ').filter(Boolean), table)
    const from = given.text('from')
    if (from !== undefined && !given.has('config')) expect(Object.keys(sources)).toContain(from)
  }
})

test('docs/cli.md has every source with what it takes, every option and every exit code, and no others', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| `'))
  const told = rows.flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([\w-]+)`/g)].map(([, name]) => name))
  const names = Object.keys(sources)
  expect(told.filter((name) => /^[a-z\d]+-/.test(name ?? ''))).toEqual(expect.arrayContaining(names))
  expect(told.filter((name) => /^[a-z\d]+-/.test(name ?? '')).toSorted()).toEqual(names.toSorted())
  for (const [name, { needs, takes }] of Object.entries(sources)) {
    const row = rows.find((line) => (line.split('|')[1] ?? '').includes(`\`${name}\``)) ?? ''
    for (const option of [...needs, ...takes].filter((one) => one !== 'from-cookie'))
      expect(row, `${name}: ${option}`).toContain(option === 'secret' ? '--secret-file' : `--${option}`)
  }
  for (const option of Object.keys(table)) if (option !== 'help') expect(page, option).toContain(`--${option}`)
  expect([...page.matchAll(/--([a-z][\w-]*)/g)].map(([, name]) => name).filter((name) => !Object.hasOwn(table, name ?? ''))).toEqual([])
  for (const code of Object.values(exits)) expect(page).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'))
})
