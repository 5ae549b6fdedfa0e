import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { pinned } from './children.ts'
import { endChildren, measure, type Measured } from './measure.ts'
import { profile } from './profile.ts'
import { progressTo } from './progress.ts'
import { type Circumstances, markdown, writeBetweenMarkers } from './report.ts'
import { figuresOf } from './stats.ts'
import { startStores, stopStores, stores } from './stores.ts'
import { type Listed, listSubjects } from './subjects/index.ts'

const help = `What a session layer costs above the bare framework: CPU time per request, for a route that never looks at the
session, one that reads a value, one that increments a counter and saves. With a store on a server also what it is asked
for, and how many requests per second there are with it at work.

npm run bench -- [options]

  --only TEXT      only subjects whose name contains TEXT (repeatable), and the frameworks they stand on
  --quick          3 rounds of 0.25 s: under five minutes, good for a first look
  --rounds N       default 7
  --seconds S      each route in each round, default 1
  --json           figures as JSON on standard output instead of a table
  --write          put the table into docs/bench.md
  --profile NAME   run one subject alone and print where its time goes
  --list           names of all subjects
  --help
`

function readOptions() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      profile: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  return values
}

async function main(dir: string): Promise<void> {
  const options = readOptions()
  if (options.help) return void process.stdout.write(help)
  const all = await listSubjects()
  if (options.list) return console.log(all.map(({ subject }) => subject.name).join('\n'))
  const seconds = positive('--seconds', options.seconds ?? (options.quick ? '0.25' : '1'))
  if (options.profile !== undefined) {
    const [one] = await runnable([theOne(all, options.profile)])
    if (one !== undefined) console.log(await profile(one, seconds * 1_000, dir, one.subject.store && stores.get(one.subject.store)))
    return
  }

  const rounds = Math.round(positive('--rounds', options.rounds ?? (options.quick ? '3' : '7')))
  if (!pinned) console.error('taskset is not here: server and load share the cores as the system likes, and the figures are noisier')
  const listed = await runnable(withTheirFrameworks(all, options.only))
  const measured: Measured[] = []
  // One framework after the other: of forty processes each would come to its turn cold.
  for (const group of Map.groupBy(listed, ({ subject }) => subject.on).values()) {
    measured.push(...(await measure({ listed: group, rounds, runMs: seconds * 1_000, dir, stores, progress: progressTo(process.stderr) })))
    await endChildren()
  }
  const figures = figuresOf(measured)
  const circumstances: Circumstances = {
    command: commandLine(),
    node: process.version,
    coreCount: availableParallelism(),
    pinned,
    rounds,
    seconds,
  }
  const text = markdown(figures, circumstances)
  console.log(options.json ? JSON.stringify({ ...circumstances, figures }, null, 2) : text)
  if (options.write) writeBetweenMarkers(join(import.meta.dirname, '../docs/bench.md'), text)
}

function withTheirFrameworks(all: readonly Listed[], only: readonly string[]): Listed[] {
  const wanted = only.length === 0 ? all : all.filter(({ subject }) => only.some((text) => subject.name.includes(text)))
  if (wanted.length === 0) throw new Error(`no subject's name contains ${only.map((text) => `"${text}"`).join(' or ')}; --list names them`)
  const needed = new Set(wanted.map(({ subject }) => subject.on))
  // Those of one framework side by side, so that what is subtracted was measured close by.
  return [...needed].flatMap((on) =>
    all.filter((item) => item.subject.on === on && (item.subject.kind === 'bare' || wanted.includes(item))),
  )
}

/** Those whose servers are here; starts them. */
async function runnable(wanted: readonly Listed[]): Promise<Listed[]> {
  const needed = new Set(wanted.flatMap(({ subject }) => subject.store ?? []))
  await startStores(needed, console.error)
  return wanted.filter(({ subject }) => subject.store === undefined || stores.has(subject.store))
}

function theOne(all: readonly Listed[], name: string): Listed {
  const found = all.filter(({ subject }) => subject.name === name || subject.name.includes(name))
  const [first] = found
  if (first === undefined || found.length > 1) throw new Error(`${found.length} subjects match "${name}"; --list names them`)
  return first
}

function positive(option: string, text: string): number {
  const number = Number(text)
  if (!(number > 0)) throw new Error(`${option} must be a number above 0, not "${text}"`)
  return number
}

function commandLine(): string {
  const shown = process.argv.slice(2).map((argument) => (/^[\w.-]+$/.test(argument) ? argument : `'${argument}'`))
  return ['npm run bench', ...(shown.length === 0 ? [] : ['--', ...shown])].join(' ')
}

const dir = mkdtempSync(join(tmpdir(), 'coatcheck-bench-'))
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted = true
    void endChildren()
  })
}
try {
  await main(dir)
} catch (error) {
  process.exitCode = interrupted ? 130 : 1
  if (!interrupted) console.error(error instanceof Error ? error.message : error)
} finally {
  await endChildren()
  await stopStores()
  rmSync(dir, { recursive: true, force: true })
}
// Importing the peers leaves timers and handles behind.
process.exit()
