/**
 * Thousands of interleavings of two tieredStores (two processes) over one cache and one durable store. A seed decides which call arrives
 * next, what the cache does to it, what it evicts and when time passes. The durable store's own story says what each read may answer:
 *
 *   plain      what it held at some moment of the read; and the whole history is linearizable
 *   evicting   nothing older than the last write that was acknowledged before the read began
 *   apart      one of the processes does not reach the cache: nothing older than `staleMs` before the read began, and nothing older
 *              than this process's own acknowledged writes
 *   faulty     the same, whatever happens to the calls
 *
 *     node test/gate/tiers.ts [--count 20000] [--seed 1 --count 1]
 */
import type { SessionStore, StoredRow } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { tieredStore, type TieredStoreOptions } from '../../src/stores/tiered.ts'
import { lagging } from '../support/lagging.ts'
import { Dice } from '../support/random.ts'
import { misfit } from '../support/row-checker.ts'
import { callsOf, type Noted, RowClients, type RowWorld, under } from '../support/row-clients.ts'
import { noFaults, Scheduler, type Faults } from '../support/scheduler.ts'
import { gate } from './program.ts'

export type Open = (options: TieredStoreOptions) => SessionStore

const faultyCache: Faults = { refused: 0.06, broken: 0.06, swallowed: 0.04, unanswered: 0.05 }
const faultyDurable: Faults = { refused: 0.08, broken: 0.05, swallowed: 0.01, unanswered: 0.02 }
const cutOff: Faults = { ...noFaults, refused: 1 }
const kinds = ['plain', 'evicting', 'apart', 'faulty'] as const
type Kind = (typeof kinds)[number]

const id = 'x'.repeat(24)
const staleMs = 1_000
const tombstoneMs = 5_000

/** What the durable store held from a moment on, and which call made it so. */
interface Chapter {
  readonly moment: number
  readonly ms: number
  readonly state: string
  readonly by: Noted | null
}

export async function runTiers(seed: number, open: Open = tieredStore): Promise<{ problems: string[]; calls: number }> {
  const dice = new Dice(seed)
  const kind = kinds[seed % kinds.length] ?? 'plain'
  const scheduler = new Scheduler(dice, kind === 'faulty' ? 0.05 : 0)
  const { clock, timers } = scheduler
  const inner = memoryStore({ clock })
  const story: Chapter[] = [{ moment: 0, ms: 0, state: 'null', by: null }]
  const reading = dice.pick(['get', 'getMany'] as const)
  // Every schedule has a climate of its own: what is rare in one is common in another.
  const lag = dice.pick([0.05, 0.15, 0.4])
  const turnMs = kind === 'plain' || kind === 'evicting' ? 0 : dice.pick([0, 200])
  const durableFaults = kind === 'faulty' && dice.chance(0.25) ? faultyDurable : noFaults
  const recorded = recording(memoryStore({ clock }), scheduler, story)
  const durable = lagging(scheduler.store(recorded, durableFaults, reading), scheduler, dice, { lag, turnMs })
  const openOne = (at: number): SessionStore => {
    const faults = kind === 'apart' && at === 1 ? cutOff : kind === 'faulty' ? scaled(faultyCache, dice.pick([0, 0.5, 2])) : noFaults
    const cache = lagging(scheduler.store(inner, faults, reading), scheduler, dice, { lag, turnMs: 0 })
    return open({ cache, durable, unsafeNotDurable: true, staleMs, tombstoneMs, clock, timers })
  }
  const world: RowWorld = {
    dice,
    scheduler,
    id,
    stores: [openOne(0), openOne(1)],
    faulty: kind === 'faulty',
    creates: true,
    problems: [],
    calls: [],
  }
  await play(world, kind, inner)
  const told = world.problems
  for (const call of world.calls) told.push(...wrongRead(call, kind, story))
  if (kind === 'plain') told.push(...[misfit(callsOf(world), { expiry: true })].filter((one) => one !== null))
  return { problems: told.map((problem) => `seed ${seed} (${kind}): ${problem}`), calls: world.calls.length }
}

async function play(world: RowWorld, kind: Kind, cache: SessionStore): Promise<void> {
  const { dice, scheduler } = world
  const clients = new RowClients(world)
  const weights = { get: dice.pick([6, 12]), put: 8, touch: dice.pick([0, 2]), delete: dice.pick([0.5, 3]) }
  const count = 2 + dice.below(3)
  for (let i = 0; i < count; i++) {
    const acts = 4 + dice.below(8)
    void scheduler.begin(async () => {
      for (let n = 0; n < acts; n++) await clients.act(`c${i}`, i % 2, weights)
    })
  }
  const happen = (times: number, what: () => unknown): void => {
    void scheduler.begin(async () => {
      for (let i = 0; i < times; i++) {
        for (let turns = dice.below(8); turns > 0; turns--) await scheduler.turn()
        await what()
      }
    })
  }
  if (kind === 'evicting' || kind === 'faulty') happen(dice.below(dice.pick([3, 30])), () => cache.delete(id))
  // Without faults no write is so slow that its tombstone ends before it does.
  const passing = kind === 'faulty' ? dice.pick([3, 20]) : 4
  happen(dice.below(passing), () => scheduler.pass(kind === 'faulty' && dice.chance(0.05) ? tombstoneMs : dice.below(1_200)))
  await scheduler.run()
}

function scaled({ refused, broken, swallowed, unanswered }: Faults, by: number): Faults {
  return { refused: refused * by, broken: broken * by, swallowed: swallowed * by, unanswered: unanswered * by }
}

/** The durable store, writing down what it held and when. */
function recording(inner: SessionStore, scheduler: Scheduler, story: Chapter[]): SessionStore {
  const note = async (): Promise<void> => {
    const state = stateOf(await inner.get(id))
    const by = under.getStore() ?? null
    if (state !== story.at(-1)?.state) story.push({ moment: scheduler.moment(), ms: scheduler.clock(), state, by })
  }
  const noting =
    <Args extends unknown[], T>(call: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      const answer = await call.apply(inner, args)
      await note()
      return answer
    }
  return { ...inner, put: noting(inner.put), delete: noting(inner.delete), touch: noting(inner.touch as NonNullable<typeof inner.touch>) }
}

function stateOf(row: Pick<StoredRow, 'body' | 'expiresAt'> | null): string {
  return row === null ? 'null' : JSON.stringify([row.body, row.expiresAt])
}

/** What is wrong with the answer of a read. */
function wrongRead({ client, at, action, start, startMs, end }: Noted, kind: Kind, story: readonly Chapter[]): string[] {
  if (action.kind !== 'get' || end === Number.POSITIVE_INFINITY) return []
  const saw = action.saw === null ? 'null' : stateOf(action.saw)
  const may = story.some(({ moment, state }, i) => {
    if (state !== saw || moment > end) return false
    const next = story[i + 1]
    if (next === undefined) return true
    if (kind === 'plain') return next.moment >= start
    const acknowledged = next.by?.end ?? Number.POSITIVE_INFINITY
    if (kind === 'evicting') return acknowledged >= start
    return next.ms >= startMs - staleMs && (next.by?.at !== at || acknowledged >= start)
  })
  if (may) return []
  const lines = story.map(
    ({ moment, ms, state, by }) => `  [${moment}] ${ms % 1e6} ms ${state} by ${by?.client ?? '-'}, acknowledged ${by?.end ?? '-'}`,
  )
  return [
    `${client} read [${start}, ${end}] at ${startMs % 1e6} ms and saw ${saw}, which was over. The durable store held:\n${lines.join('\n')}`,
  ]
}

await gate(import.meta, { count: 20_000, seed: 1 }, async function* ({ count, seed, progress }) {
  const problems: string[] = []
  let calls = 0
  for (let i = 0; i < count; i++) {
    const told = await runTiers(seed + i)
    problems.push(...told.problems)
    calls += told.calls
    progress(i + 1)
  }
  yield {
    what: `interleavings of two tieredStores on one cache and one durable store, with evictions and cache faults (seeds ${seed} to ${seed + count - 1})`,
    many: `${count} schedules, ${calls} calls`,
    wrong: problems.length,
    problems,
    zero: 'answers older than promised, hanging or unhandled',
  }
})
