// node test/gate/sqlite-flat.ts: what a get and a put cost in a SQLite file of 1,000 to 1,000,000 sessions of 1 KB.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { SessionStore } from '../../src/core/types.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'

const help = `node test/gate/sqlite-flat.ts [options]

Prints CPU microseconds (this process, system time included) for each get, and for each put of 64 gathered ones with durability 'full'.
Sessions are picked at random among all, and, as in life, among 10,000 that are in use.

  --mmap n   option mmapMiB (0)
  --sizes    how many sessions (1000,10000,100000,1000000)
  --help     this text`

const { values } = parseArgs({
  options: {
    mmap: { type: 'string', default: '0' },
    sizes: { type: 'string', default: '1000,10000,100000,1000000' },
    help: { type: 'boolean', default: false },
  },
})

const gathered = 64
const inUse = 10_000
const body = JSON.stringify({ cart: Array.from({ length: 50 }, (_, n) => `item number ${n}`) })
  .padEnd(1_000, ' ')
  .slice(0, 1_000)
const expiresAt = Date.now() + 3_600_000

interface Cost {
  readonly insert: number
  readonly get: number
  readonly put: number
  readonly getInUse: number
  readonly putInUse: number
}

if (values.help) console.log(help)
else await main(values.sizes.split(',').map(Number), Number(values.mmap))

async function main(sizes: readonly number[], mmapMiB: number): Promise<void> {
  const costs: Cost[] = []
  for (const size of sizes) costs.push(await costAmong(size, mmapMiB))
  console.log(`CPU µs per operation, sessions of ${body.length} bytes, mmapMiB ${mmapMiB}; in brackets: times the cost among ${sizes[0]}`)
  const figure = (n: number, column: keyof Cost): string =>
    `${costs[n]?.[column].toFixed(1)} (${((costs[n]?.[column] ?? 0) / (costs[0]?.[column] ?? 1)).toFixed(2)})`
  console.table(
    Object.fromEntries(
      sizes.map((size, n) => [
        size.toLocaleString('en'),
        {
          get: figure(n, 'get'),
          'put, gathered': figure(n, 'put'),
          'get, 10,000 in use': figure(n, 'getInUse'),
          'put, 10,000 in use': figure(n, 'putInUse'),
          'first put': figure(n, 'insert'),
        },
      ]),
    ),
  )
}

async function costAmong(size: number, mmapMiB: number): Promise<Cost> {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-flat-'))
  const store = sqliteStore({ file: join(folder, 'sessions.db'), mmapMiB })
  try {
    const [ids, versions]: string[][] = [[], []]
    const insert = await cpuOf(size, () => insertAll(store, size, ids ?? [], versions ?? []))
    const among = { store, ids: ids ?? [], versions: versions ?? [] }
    const getInUse = await measured(100_000, (count) => getSome(among, Math.min(inUse, size), count))
    const putInUse = await measured(20_000, (count) => putSome(among, Math.min(inUse, size), count))
    const get = await measured(100_000, (count) => getSome(among, size, count))
    const put = await measured(20_000, (count) => putSome(among, size, count))
    console.log(
      `${size.toLocaleString('en')} sessions: ${Math.round(statSync(join(folder, 'sessions.db')).size / size)} bytes each in the file`,
    )
    return { insert, get, put, getInUse, putInUse }
  } finally {
    await store.close?.()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The cost of each of `count`, after half as many to warm up. */
async function measured(count: number, run: (count: number) => Promise<void>): Promise<number> {
  await run(count / 2)
  return cpuOf(count, () => run(count))
}

async function cpuOf(count: number, run: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

function userOf(n: number): string | null {
  return n % 3 === 0 ? null : `user-${n >> 2}`
}

async function insertAll(store: SessionStore, size: number, ids: string[], versions: string[]): Promise<void> {
  while (ids.length < size) {
    const puts = Array.from({ length: Math.min(gathered, size - ids.length) }, () => {
      const id = randomBytes(18).toString('base64url')
      const user = userOf(ids.push(id) - 1)
      return store.put({ id, body, user, expiresAt }, null)
    })
    for (const version of await Promise.all(puts)) versions.push(version ?? '')
  }
}

interface Among {
  readonly store: SessionStore
  readonly ids: readonly string[]
  readonly versions: string[]
}

function picker(among: number, size: number): () => number {
  // Sessions in use came one after the other no more than they live side by side in the file.
  const stride = Math.max(1, Math.floor(size / among))
  return () => Math.floor(Math.random() * among) * stride
}

async function getSome({ store, ids }: Among, among: number, count: number): Promise<void> {
  const pick = picker(among, ids.length)
  for (let n = 0; n < count; n++) if ((await store.get(ids[pick()] ?? '')) === null) throw new Error('a session is gone')
}

async function putSome({ store, ids, versions }: Among, among: number, count: number): Promise<void> {
  const pick = picker(among, ids.length)
  for (let n = 0; n < count; n += gathered) {
    const places = new Set<number>()
    while (places.size < gathered) places.add(pick())
    const puts = [...places].map(async (place) => {
      const row = { id: ids[place] ?? '', body, user: userOf(place), expiresAt: expiresAt + n }
      const version = await store.put(row, versions[place] ?? '')
      if (version === null) throw new Error('a put lost, and nobody else writes')
      versions[place] = version
    })
    await Promise.all(puts)
  }
}
