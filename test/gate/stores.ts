/** npm run test:gate:stores: what every store promises, at full length. Writes what it found into docs/stores-gate.md. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../../scripts/source.ts'
import { howToInstall, kindNamed } from '../../scripts/servers/index.ts'
import type { StoreProfile } from '../stores/profile.ts'
import { profiles } from '../stores/profiles/index.ts'
import { type FaultProxy, faultProxy } from '../support/fault-proxy.ts'
import { Dice } from '../support/random.ts'
import { recordAll } from './histories.ts'
import { runRaces } from './logout-races.ts'
import { twoProcesses } from './places.ts'
import { type GateOptions, lineOf, outliveGoogle, type Row } from './program.ts'
import { failover } from './redis-failover.ts'

const help = `npm run test:gate:stores [-- options]

Every store on a real server of its own: logouts against slow writes, histories from two processes, and the same with a proxy that now
and then drops a reply after the server has done what it was told. Ends with code 1 when anything is wrong. Takes hours; with all stores
and 200 histories or more it writes docs/stores-gate.md.

  --only NAME   one store (repeatable): ${profiles.map(({ name }) => name).join(' · ')}
  --count N     histories for each; 25 races for each history. Default 200
  --seed N      default 1
  --seconds S   begin nothing new in a row of the table after so long; it says how many there were
  --help        this text`

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(help)
  process.exit()
}
const [count, seed] = [Number(values.count), Number(values.seed)]
const chosen = profiles.filter(({ name }) => values.only.length === 0 || values.only.includes(name))
const head = ['| what | how many | must be none | found | seconds |', '| --- | --- | --- | --- | --- |']
const lines: string[] = []
const secondsMax = values.seconds === undefined ? undefined : Number(values.seconds)
const options: GateOptions = { count, seed, secondsMax, progress: () => {} }
const racesPerHistory = 25

for (const line of head) console.log(line)
// The engine's own timers keep no process alive.
const alive = setInterval(() => {}, 60_000)
outliveGoogle()
for (const profile of chosen) await tryOut(profile)
if (chosen.some(({ name }) => name === 'redis, cluster')) await timed(failover)
clearInterval(alive)
if (values.only.length === 0 && count >= 200) writePage()

async function tryOut(profile: StoreProfile): Promise<void> {
  const kinds = profile.servers.map(kindNamed)
  const missing = kinds.filter((kind) => !kind.present())
  if (missing.length > 0) {
    process.exitCode = 1
    return console.error(`${profile.name}: ${missing.map(howToInstall).join(', ')}`)
  }
  const servers = await Promise.all(kinds.map((kind) => kind.start()))
  const urls = servers.map(({ url }) => url)
  try {
    if (!(await comparesAndSwaps(profile, urls)))
      return console.log(`| ${profile.name}: has no compare-and-swap and promises nothing | | | | |`)
    // First: afterwards others have sessions there too.
    await timed(() => races(profile, urls))
    await timed(() => histories(profile, urls))
    if (profile.breaks !== false) await timed(() => broken(profile, urls))
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

async function comparesAndSwaps(profile: StoreProfile, urls: readonly string[]): Promise<boolean> {
  const opened = await profile.open(urls)
  await opened.close()
  return opened.store.guarantees.compareAndSwap
}

async function timed(run: () => Promise<Row>): Promise<void> {
  const began = performance.now()
  const row = await run().catch(unfinished)
  const line = lineOf(row, (performance.now() - began) / 1000)
  lines.push(line)
  console.log(line)
  for (const problem of row.problems.slice(0, 3)) console.error(problem)
  if (row.wrong > 0) process.exitCode = 1
}

/** One that fails must not keep the others from their turn. */
function unfinished(error: unknown): Row {
  return { what: `did not come to its end: ${String(error)}`, many: '', zero: '', wrong: 1, problems: [] }
}

async function histories({ name }: StoreProfile, urls: readonly string[]): Promise<Row> {
  const place = twoProcesses({ kind: 'profile', name, urls })
  const found = await recordAll(place, options)
  await place.close()
  return { what: `${name}: histories of 12 clients with 40 requests each, two processes`, ...found }
}

async function broken({ name }: StoreProfile, [first = '', ...others]: readonly string[]): Promise<Row> {
  const { port } = new URL(first)
  const proxy = await faultProxy(Number(port))
  const place = twoProcesses({ kind: 'profile', name, urls: [first.replace(`:${port}`, `:${proxy.port}`), ...others] })
  // Both have opened the store by then.
  await place.record({ seed, clients: 2, requests: 1 })
  const stop = spoil(proxy, new Dice(seed))
  const some = Math.ceil(count / 4)
  const found = await recordAll(place, { ...options, count: some }, { faulty: true })
  stop()
  await place.close()
  await proxy.close()
  return { what: `${name}: the same, with replies dropped after the work was done`, ...found }
}

/** Drops a reply every now and then. */
function spoil(proxy: FaultProxy, dice: Dice): () => void {
  const timer = setInterval(() => {
    proxy.set({ kind: 'lose-reply' })
    setTimeout(() => proxy.set(null), 1 + dice.below(4))
  }, 40)
  return () => clearInterval(timer)
}

async function races(profile: StoreProfile, urls: readonly string[]): Promise<Row> {
  const opened = await profile.open(urls)
  const { store } = opened
  const { run, ended, problems } = await runRaces(store, { ...options, count: count * racesPerHistory })
  await opened.close()
  return {
    what: `${profile.name}: races of a logout against slow writes, two engines`,
    many: `${run} races, ${ended} ended`,
    zero: 'alive afterwards, or given a cookie',
    wrong: problems.length,
    problems,
  }
}

function writePage(): void {
  const { version, arch, platform } = process
  const page = [
    '# The gate of the stores',
    '',
    ...head,
    ...lines,
    '',
    `Node ${version}, ${platform} ${arch}. Made by \`npm run test:gate:stores${secondsMax === undefined ? '' : ` -- --seconds ${secondsMax}`}\`.`,
    '',
  ]
  writeFileSync(join(root, 'docs/stores-gate.md'), page.join('\n'))
}
