import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Child, cores } from './children.ts'
import { type LoadCalls, type Route, routes, type ServerCalls } from './messages.ts'
import { callsPerRequest, type Store } from './stores.ts'
import type { Listed } from './subjects/index.ts'
import type { StoreName, Subject } from './subjects/subject.ts'

/** One route of one subject in one round. */
export interface Sample {
  readonly cpuMicros: number
  /** The part of it that the kernel spent. */
  readonly systemMicros: number
  /** Share of the wall time in which the server had work. */
  readonly busy: number
  readonly requests: number
  readonly perSecond: number
}

export interface Measured {
  readonly subject: Subject
  cookieBytes: number
  /** One sample for each round. */
  readonly samples: Record<Route, Sample[]>
  /** What its store was asked for each request, by name; `null` without a store on a server. */
  readonly calls: Record<Route, Record<string, number>> | null
}

export interface Plan {
  readonly listed: readonly Listed[]
  readonly rounds: number
  readonly runMs: number
  readonly stores: ReadonlyMap<StoreName, Store>
  /** Below it, scratch files of the subjects. */
  readonly dir: string
  progress(done: number, total: number, what: string): void
}

/** What runs before it counts: at the very first, when a process has been idle for a round, when it changes from another route. */
const compileMs = 400
const wakingMs = 300
const settlingMs = 100
const countingMs = 200

/** Every child process there is, for whoever has to end them. */
export const children = new Set<Child<ServerCalls> | Child<LoadCalls>>()

export async function endChildren(): Promise<void> {
  await Promise.all([...children].map((child) => child.end()))
  children.clear()
}

export function startLoad(): Child<LoadCalls> {
  const load = new Child<LoadCalls>('load.ts', cores.load)
  children.add(load)
  return load
}

/** Starts a subject and creates its sessions. */
export class Bench {
  readonly subject: Subject
  readonly server: Child<ServerCalls>
  readonly #load: Child<LoadCalls>
  readonly #group: string
  #port = 0
  #url = ''

  constructor({ subject, group }: Listed, load: Child<LoadCalls>, core: number | 'any' = cores.server) {
    this.server = new Child<ServerCalls>('server.ts', core)
    this.subject = subject
    this.#group = group
    this.#load = load
    children.add(this.server)
  }

  async start(dir: string, store: Store | undefined): Promise<void> {
    const { name } = this.subject
    const place = { dir: join(dir, name.replaceAll(/[^a-z0-9]+/g, '-')), url: (await store?.database()) ?? '' }
    mkdirSync(place.dir)
    this.#url = place.url
    this.#port = (await this.server.ask('start', { group: this.#group, name, place })).port
  }

  /** Connects, and answers how long the visitors' Cookie header is. */
  async open(): Promise<number> {
    const { name, sessionless = false } = this.subject
    return (await this.#load.ask('open', { name, port: this.#port, sessionless })).cookieBytes
  }

  close(): Promise<void> {
    return this.#load.ask('close')
  }

  async run(route: Route, runMs: number): Promise<Sample> {
    const before = await this.server.ask('cpuUsage')
    const { requests, wallMs } = await this.#load.ask('run', { route, runMs })
    const after = await this.server.ask('cpuUsage')
    const systemMicros = after.system - before.system
    const cpuMicros = after.user - before.user + systemMicros
    return {
      cpuMicros: cpuMicros / requests,
      systemMicros: systemMicros / requests,
      busy: cpuMicros / 1_000 / wallMs,
      requests,
      perSecond: (requests / wallMs) * 1_000,
    }
  }

  /** What one request to a route asks of the store. */
  async calls(route: Route, store: Store): Promise<Record<string, number>> {
    await this.run(route, wakingMs)
    const before = await store.calls(this.#url)
    const { requests } = await this.run(route, countingMs)
    return callsPerRequest(before, await store.calls(this.#url), requests)
  }
}

/** All rounds of all subjects, interleaved; every other round backwards, so that drift and order cancel out. */
export async function measure({ listed, rounds, runMs, dir, stores, progress }: Plan): Promise<Measured[]> {
  const load = startLoad()
  const measured: Measured[] = []
  const benches: { bench: Bench; result: Measured }[] = []
  const total = listed.length * (rounds + 1)
  for (const item of listed) {
    progress(measured.length, total, `start ${item.subject.name}`)
    const { bench, result } = await begin(item, load, dir, item.subject.store && stores.get(item.subject.store))
    measured.push(result)
    benches.push({ bench, result })
  }
  let done = listed.length
  for (let round = 1; round <= rounds; round++) {
    const backwards = round % 2 === 0
    for (const { bench, result } of backwards ? benches.toReversed() : benches) {
      progress(done++, total, `round ${round} of ${rounds}: ${result.subject.name}`)
      await measureOnce(bench, result, backwards ? routes.toReversed() : routes, runMs)
    }
  }
  progress(total, total, 'done')
  return measured
}

async function begin(
  item: Listed,
  load: Child<LoadCalls>,
  dir: string,
  store: Store | undefined,
): Promise<{ bench: Bench; result: Measured }> {
  const bench = new Bench(item, load)
  await bench.start(dir, store)
  const cookieBytes = await bench.open()
  for (const route of routes) await bench.run(route, compileMs)
  const calls: Partial<Record<Route, Record<string, number>>> = {}
  if (store !== undefined) for (const route of routes) calls[route] = await bench.calls(route, store)
  await bench.close()
  const { untouched = {}, read = {}, write = {} } = calls
  const result: Measured = {
    subject: item.subject,
    cookieBytes,
    samples: { untouched: [], read: [], write: [] },
    calls: store === undefined ? null : { untouched, read, write },
  }
  return { bench, result }
}

async function measureOnce(bench: Bench, result: Measured, order: readonly Route[], runMs: number): Promise<void> {
  result.cookieBytes = await bench.open()
  for (const [place, route] of order.entries()) {
    await bench.run(route, place === 0 ? wakingMs : settlingMs)
    result.samples[route].push(await bench.run(route, runMs))
  }
  await bench.close()
}
