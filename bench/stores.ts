/** The servers that some subjects keep their sessions in: started once, and asked what they have been asked. */
import { spawnSync } from 'node:child_process'
import { Client } from 'pg'
import { createClient } from 'redis'
import { howToInstall, kindNamed } from '../scripts/servers/index.ts'
import { startPostgres } from '../scripts/servers/postgres.ts'
import { startRedis } from '../scripts/servers/redis.ts'
import { allCores, cores, pinned } from './children.ts'
import type { StoreName } from './subjects/subject.ts'

/** How often each command was called. */
export type Calls = ReadonlyMap<string, number>

/** One that runs. */
export interface Store {
  /** An empty database for one subject alone: its address. */
  database(): Promise<string>
  /** The server's own statistics of that database, since it started. */
  calls(url: string): Promise<Calls>
  stop(): Promise<void>
}

const starters: Record<StoreName, () => Promise<Store>> = { redis, postgres }

/** Every server that runs, for whoever has to end them. */
export const stores = new Map<StoreName, Store>()

/** Starts the servers of these names, away from the server that is measured. Says so where one is not installed. */
export async function startStores(names: ReadonlySet<StoreName>, say: (line: string) => void): Promise<void> {
  for (const name of names) {
    if (kindNamed(name).present()) stores.set(name, await startedOn(cores.store, starters[name]))
    else say(`subjects on ${name} are left out: ${howToInstall(kindNamed(name))}`)
  }
}

export async function stopStores(): Promise<void> {
  await Promise.all([...stores.values()].map((store) => store.stop()))
  stores.clear()
}

/** A program begins on the cores of whoever starts it. */
async function startedOn<T>(core: number, start: () => Promise<T>): Promise<T> {
  if (pinned) moveTo(String(core))
  try {
    return await start()
  } finally {
    if (pinned) moveTo(allCores)
  }
}

function moveTo(list: string): void {
  spawnSync('taskset', ['-c', '-p', list, String(process.pid)])
}

async function redis(): Promise<Store> {
  const server = await startRedis()
  const client = createClient({ url: server.url, socket: { reconnectStrategy: false } })
  // Ctrl-C ends the server first.
  client.on('error', () => null)
  await client.connect()
  let databases = 0
  return {
    database: async () => `${server.url}/${++databases}`,
    calls: async () => callsIn(String(await client.sendCommand(['INFO', 'commandstats']))),
    async stop() {
      if (client.isOpen) client.destroy()
      await server.stop()
    },
  }
}

function callsIn(info: string): Calls {
  const lines = info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)
  return new Map(Array.from(lines, ([, name = '', count]) => [name, Number(count)] as const).filter(([name]) => name !== 'info'))
}

/** It does not wait for the disk, whose speed is the same for everybody; and it counts statements. */
const settings = ['fsync=off', 'max_connections=200', 'shared_preload_libraries=pg_stat_statements']

async function postgres(): Promise<Store> {
  const server = await startPostgres(settings)
  const admin = new Client({ connectionString: server.url })
  admin.on('error', () => null)
  await admin.connect()
  await admin.query('CREATE EXTENSION pg_stat_statements')
  let databases = 0
  return {
    async database() {
      const name = `bench_${++databases}`
      await admin.query(`CREATE DATABASE ${name}`)
      return server.url.replace(/[^/]*$/, name)
    },
    async calls(url) {
      const { rows } = await admin.query<{ name: string; calls: string }>(statements, [new URL(url).pathname.slice(1)])
      return new Map(rows.map(({ name, calls }) => [name, Number(calls)]))
    },
    async stop() {
      await admin.end()
      await server.stop()
    },
  }
}

/** By their first word. */
const statements = `SELECT lower(substring(query from '\\w+')) AS name, sum(calls) AS calls FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = $1) GROUP BY 1`

/** What a client sends beside a script of ours; whatever else was called meanwhile is the script's own, and Redis counts it by the same names. */
const besideScripts: readonly string[] = ['get', 'evalsha', 'eval', 'wait']

/** What was called between two answers, for each request. */
export function callsPerRequest(before: Calls, after: Calls, requests: number): Record<string, number> {
  const made = [...after].map(([name, calls]) => [name, (calls - (before.get(name) ?? 0)) / requests] as const)
  const scripted = made.some(([name, calls]) => name === 'evalsha' && calls > 0)
  return Object.fromEntries(made.filter(([name, calls]) => calls > 0 && (!scripted || besideScripts.includes(name))))
}
