/** npm run stores: the table of docs/stores.md, from what each store says and from what its server counts. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../../scripts/source.ts'
import { howToInstall, kindNamed } from '../../scripts/servers/index.ts'
import { countRoundTrips } from '../stores/counting.ts'
import type { StoreProfile } from '../stores/profile.ts'
import { profiles } from '../stores/profiles/index.ts'

const help = `npm run stores [-- options]

Prints what each store promises, and how many commands its server counts for a request that reads, writes or only comes by.

  --only NAME   one store (repeatable)
  --write       put the table into docs/stores.md
  --help        this text`

const { values } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(help)
  process.exit()
}
const head = [
  '| store | no lost updates | survives a crash | may drop sessions | lists a user’s | commands: untouched, read, write, slide |',
  '| --- | --- | --- | --- | --- | --- |',
]
const wordsHead = ['| store | how large | when full | restart | failover |', '| --- | --- | --- | --- | --- |']
const markers = ['<!-- stores: written by `npm run stores -- --write`, do not edit -->', '<!-- stores: end -->'] as const

const alive = setInterval(() => {}, 60_000)
const rows: string[] = []
const words: string[] = []
for (const profile of profiles) {
  if (values.only.length > 0 && !values.only.includes(profile.name)) continue
  const row = await rowOf(profile)
  console.log(row)
  rows.push(row)
  words.push(wordsOf(profile))
}
clearInterval(alive)
if (values.write) write([...head, ...rows, '', ...wordsHead, ...words].join('\n'))

async function rowOf(profile: StoreProfile): Promise<string> {
  const kinds = profile.servers.map(kindNamed)
  const missing = kinds.find((kind) => !kind.present())
  if (missing !== undefined) throw new Error(howToInstall(missing))
  const servers = await Promise.all(kinds.map((kind) => kind.start()))
  const opened = await profile.open(servers.map(({ url }) => url))
  const { compareAndSwap, durable, mayEvict, userIndex } = opened.store.guarantees
  const counted = await countRoundTrips(opened)
  await opened.close()
  await Promise.all(servers.map((server) => server.stop()))
  const commands =
    counted === null
      ? 'not counted'
      : [counted.untouched, counted.read, counted.write - counted.read, counted.slide - counted.read].join(', ')
  const cells = [compareAndSwap, durable, mayEvict, userIndex].map((yes) => (yes ? 'yes' : 'no'))
  return `| ${[profile.name, ...cells, commands].join(' | ')} |`
}

function wordsOf({ name, words: { limits, eviction, restart, failover } }: StoreProfile): string {
  return `| ${[name, limits, eviction, restart, failover].join(' | ')} |`
}

function write(table: string): void {
  const file = join(root, 'docs/stores.md')
  const page = readFileSync(file, 'utf8')
  const [from, to] = [page.indexOf(markers[0]), page.indexOf(markers[1])]
  if (from < 0 || to < from) throw new Error(`docs/stores.md lacks the lines "${markers[0]}" and "${markers[1]}"`)
  writeFileSync(file, `${page.slice(0, from)}${markers[0]}\n\n${table}\n\n${page.slice(to)}`)
}
