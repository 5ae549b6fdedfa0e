/**
 * Thousands of interleavings of processes that share two stores while sessions move from one to the other. Each history must be one that a
 * single row could have told (test/support/row-checker.ts): no update lost, no logout undone, whoever moves what meanwhile.
 *
 *   before   processes that know only the old store, beside mirroredStores in phase 'from'
 *   across   mirroredStores in phase 'from' beside those in phase 'to', one of which moves everything
 *   back     mirroredStores in phase 'to' beside others with the stores exchanged, and a moveAll in either direction
 *   faulty   as across, on stores whose calls are refused, broken, swallowed and never answered
 *
 *     node test/gate/mirrors.ts [--count 20000] [--seed 1 --count 1]
 */
import type { SessionStore, StoredRow } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { mirroredStore, type MirroredStore, type MirroredStoreOptions } from '../../src/stores/mirrored.ts'
import { lagging } from '../support/lagging.ts'
import { Dice } from '../support/random.ts'
import { misfit } from '../support/row-checker.ts'
import { callsOf, inTime, RowClients, type RowWorld } from '../support/row-clients.ts'
import { noFaults, Scheduler, type Faults } from '../support/scheduler.ts'
import { gate } from './program.ts'

export type Open = (options: MirroredStoreOptions) => MirroredStore

const kinds = ['before', 'across', 'back', 'faulty'] as const
const faulty: Faults = { refused: 0.04, broken: 0.04, swallowed: 0.02, unanswered: 0.03 }
const id = 'x'.repeat(24)

export async function runMirrors(seed: number, open: Open = mirroredStore): Promise<{ problems: string[]; calls: number }> {
  const dice = new Dice(seed)
  const kind = kinds[seed % kinds.length] ?? 'before'
  const scheduler = new Scheduler(dice, kind === 'faulty' ? 0.03 : 0)
  const { clock } = scheduler
  const [oldRows, newRows] = [memoryStore({ clock }), memoryStore({ clock })]
  const faults = kind === 'faulty' ? faulty : noFaults
  const reading = dice.pick(['get', 'getMany'] as const)
  const lag = dice.pick([0, 0.1, 0.3])
  const one = (rows: SessionStore): SessionStore => lagging(scheduler.store(rows, faults, reading), scheduler, dice, { lag, turnMs: 0 })
  const mirror = (phase: 'from' | 'to', swapped = false): MirroredStore => {
    const [from, to] = swapped ? [newRows, oldRows] : [oldRows, newRows]
    return open({ from: { ...one(from), ...scanOf(from) }, to: one(to), phase, clock })
  }
  const stores =
    kind === 'before'
      ? [unaware(one(oldRows)), mirror('from'), mirror('from')]
      : kind === 'back'
        ? [mirror('to'), mirror('to', true), mirror(dice.pick(['from', 'to']), true)]
        : [mirror('from'), mirror('to'), mirror('to')]
  // Elsewhere a version has another name.
  const families = kind === 'before' || kind === 'back' ? [0, 1, 1] : [0, 0, 0]
  const world: RowWorld = { dice, scheduler, id, stores, families, faulty: kind === 'faulty', creates: true, problems: [], calls: [] }
  await play(world, kind)
  const told = [...world.problems, misfit(callsOf(world), { expiry: false, losesForNothing: kind === 'back' })].filter(
    (one) => one !== null,
  )
  return { problems: told.map((problem) => `seed ${seed} (${kind}): ${problem}`), calls: world.calls.length }
}

/** A process that knows of no mirror: what it cannot read is no session to it, and it touches nothing it has not just read. */
function unaware({ guarantees, get, put, delete: remove }: SessionStore): SessionStore {
  const read = async (id: string): Promise<StoredRow | null> => {
    const row = await get(id)
    return row === null || row.body.startsWith('coatcheck-mirror') ? null : row
  }
  return { guarantees, get: read, put, delete: remove }
}

function scanOf(rows: SessionStore): Pick<SessionStore, 'scan'> {
  return rows.scan === undefined ? {} : { scan: rows.scan }
}

async function play(world: RowWorld, kind: (typeof kinds)[number]): Promise<void> {
  const { dice, scheduler, stores } = world
  const clients = new RowClients(world)
  // Everybody may create it, at once; afterwards nobody.
  // In opposite directions two at once may both lose; an id is made by one process (decisions/013-mirrored.md).
  const creations = kind === 'back' ? 1 : 1 + dice.below(3)
  for (let i = 0; i < creations; i++)
    void scheduler.begin(() => clients.act(`c${i}`, dice.below(stores.length), { put: 1, get: 0.3, touch: 0, delete: 0 }))
  await scheduler.run()
  world.creates = false
  const weights = { get: 10, put: dice.pick([4, 10]), touch: dice.pick([0, 2]), delete: dice.pick([0, 1, 3]) }
  const count = 2 + dice.below(3)
  for (let i = 0; i < count; i++) {
    const acts = 2 + dice.below(7)
    void scheduler.begin(async () => {
      for (let n = 0; n < acts; n++) await clients.act(`c${i}`, dice.below(stores.length), weights)
    })
  }
  if (kind !== 'before')
    for (const at of [1, 2]) if (dice.chance(0.6)) void scheduler.begin(() => moveAll(world, stores[at] as MirroredStore))
  await scheduler.run()
  // And what each of them says in the end.
  for (const at of stores.keys()) void scheduler.begin(() => clients.act('reader', at, { get: 1, put: 0, touch: 0, delete: 0 }))
  await scheduler.run()
}

async function moveAll({ dice, scheduler, faulty, problems }: RowWorld, store: MirroredStore): Promise<void> {
  for (let turns = dice.below(30); turns > 0; turns--) await scheduler.turn()
  try {
    await inTime(scheduler, () => store.moveAll())
  } catch (error) {
    const wrongPhase = String(error).includes('phase')
    if (!faulty && !wrongPhase) problems.push(`moveAll failed: ${String(error)}`)
  }
}

await gate(import.meta, { count: 20_000, seed: 1 }, async function* ({ count, seed, progress }) {
  const problems: string[] = []
  let calls = 0
  for (let i = 0; i < count; i++) {
    const told = await runMirrors(seed + i)
    problems.push(...told.problems)
    calls += told.calls
    progress(i + 1)
  }
  yield {
    what: `interleavings of processes in both phases of a mirroredStore, with moveAll, roll-back and faults (seeds ${seed} to ${seed + count - 1})`,
    many: `${count} schedules, ${calls} calls`,
    wrong: problems.length,
    problems,
    zero: 'not linearizable, hanging or unhandled',
  }
})
