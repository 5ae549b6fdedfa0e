/** npm run test:gate: the guarantees at full length. Writes what it found into docs/gate.md. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { root } from '../../scripts/source.ts'
import { lineOf } from './program.ts'

const help = `npm run test:gate [-- options]

Runs the long tests one after another, prints a table, and writes it into docs/gate.md. Ends with code 1 when anything is wrong.

  --only name   one of them: histories, logout-races, schedules, tiers, mirrors, tokens, readers, sqlite-rot, sqlite-kill
  --quick       a twentieth of everything, and docs/gate.md stays as it is
  --help        this text`

interface Program {
  readonly name: string
  /** How many rounds, and in which option. */
  readonly rounds: number
  readonly option: string
  /** The row of a program that prints none itself. */
  readonly row?: { readonly what: string; readonly zero: string }
}

const programs: readonly Program[] = [
  { name: 'histories', rounds: 200, option: '--count' },
  { name: 'logout-races', rounds: 5_000, option: '--count' },
  { name: 'schedules', rounds: 20_000, option: '--count' },
  { name: 'tiers', rounds: 20_000, option: '--count' },
  { name: 'mirrors', rounds: 20_000, option: '--count' },
  { name: 'tokens', rounds: 500_000, option: '--count' },
  { name: 'readers', rounds: 2_000_000, option: '--count' },
  { name: 'sqlite-rot', rounds: 20_000, option: '--count' },
  {
    name: 'sqlite-kill',
    rounds: 100,
    option: '--rounds',
    row: {
      what: 'writers of one SQLite file, and who sweeps it, killed (kill -9) at a random moment',
      zero: 'acknowledged writes lost, sessions revived',
    },
  },
]

const head = ['| what | how many | must be none | found | seconds |', '| --- | --- | --- | --- | --- |']
const markers = ['<!-- gate -->', '<!-- /gate -->'] as const

const { values } = parseArgs({
  options: { only: { type: 'string' }, quick: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
})
if (values.help) console.log(help)
else process.exitCode = await main(values.only, values.quick)

async function main(only: string | undefined, quick: boolean): Promise<number> {
  const chosen = programs.filter(({ name }) => only === undefined || name === only)
  if (chosen.length === 0) {
    console.error(`there is no ${only}; write one of ${programs.map(({ name }) => name).join(', ')}`)
    return 1
  }
  const lines: string[] = []
  let wrong = false
  for (const line of head) console.log(line)
  for (const program of chosen) {
    const told = await run(program, quick ? Math.ceil(program.rounds / 20) : program.rounds)
    lines.push(...told.lines)
    wrong ||= told.wrong
  }
  if (!quick && only === undefined) writeTable([...head, ...lines])
  return wrong ? 1 : 0
}

async function run({ name, option, row }: Program, rounds: number): Promise<{ lines: string[]; wrong: boolean }> {
  const began = performance.now()
  process.stderr.write(`${name}, ${rounds} rounds\n`)
  const file = join(import.meta.dirname, `${name}.ts`)
  const child = spawn(process.execPath, [file, option, String(rounds)], { stdio: ['inherit', 'pipe', 'inherit'] })
  const ended = once(child, 'exit') as Promise<[number | null]>
  const lines: string[] = []
  const said: string[] = []
  for await (const line of createInterface(child.stdout)) {
    said.push(line)
    if (row === undefined && line.startsWith('| ')) show(lines, line)
  }
  const [code] = await ended
  if (row !== undefined) show(lines, lineOf({ ...row, ...countedIn(said, rounds), problems: [] }, (performance.now() - began) / 1000))
  if (code !== 0)
    process.stderr.write(`${name} ended with code ${code}\n${lines.length === 0 || row !== undefined ? said.join('\n') : ''}\n`)
  return { lines, wrong: code !== 0 }
}

/** What sqlite-kill says of each round: so many writes acknowledged, so many lost. */
function countedIn(said: readonly string[], rounds: number): { many: string; wrong: number } {
  const sum = (pattern: RegExp): number => said.reduce((total, line) => total + Number(pattern.exec(line)?.[1] ?? 0), 0)
  return { many: `${rounds} rounds, ${sum(/ (\d+) writes acknowledged,/)} acknowledged writes`, wrong: sum(/ (\d+) lost$/) }
}

function show(lines: string[], line: string): void {
  lines.push(line)
  console.log(line)
}

function writeTable(lines: readonly string[]): void {
  const file = join(root, 'docs/gate.md')
  const [open, close] = markers
  const page = existsSync(file) ? readFileSync(file, 'utf8') : `# The gate\n\n${open}\n${close}\n`
  const [before = '', rest = ''] = page.split(open)
  const after = rest.slice(rest.indexOf(close) + close.length)
  const { version, arch, platform } = process
  const table = [open, '', ...lines, '', `Node ${version}, ${platform} ${arch}. Made by \`npm run test:gate\`.`, '', close].join('\n')
  writeFileSync(file, before + table + after)
}
