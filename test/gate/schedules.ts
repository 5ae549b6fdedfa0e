/**
 * Thousands of interleavings of two to four requests on two engines that share a store. A seed decides which store call arrives next,
 * which answer comes back, what fails, when the clock moves, and what the requests do; the checker says whether it was right.
 *
 *     node test/gate/schedules.ts [--count 20000] [--seed 1 --count 1]
 */
import { createSessions, type Sessions, type SessionsOptions } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { check, explain, type Call } from '../support/checker.ts'
import { Client, headOf, seenIn } from '../support/history.ts'
import { Journal, type History, type Slot, type World } from '../support/journal.ts'
import { Dice } from '../support/random.ts'
import { noFaults, Scheduler, type Faults } from '../support/scheduler.ts'
import { gate } from './program.ts'

type Any = Record<string, unknown>

const secret = 'a secret for the schedules, longer than 32 bytes'
const hourMs = 3_600_000
const faulty: Faults = { refused: 0.03, broken: 0.04, swallowed: 0.02, unanswered: 0.03 }
/** In turn: a store without faults, one with, and a clock that jumps over the idle timeout. */
const kinds = ['plain', 'faulty', 'late'] as const

export interface Told {
  readonly problems: readonly string[]
  readonly calls: number
}

/** Runs one schedule. */
export async function runSchedule(seed: number): Promise<Told> {
  const dice = new Dice(seed)
  const kind = kinds[seed % kinds.length] ?? 'plain'
  const scheduler = new Scheduler(dice, kind === 'faulty' ? 0.03 : 0.01)
  const inner = memoryStore({ clock: scheduler.clock })
  const store = scheduler.store(inner, kind === 'faulty' ? faulty : noFaults, dice.pick(['get', 'get', 'getMany', 'getNow']))
  const options: SessionsOptions<Any> = {
    secret,
    store,
    clock: scheduler.clock,
    timers: scheduler.timers,
    random: (size) => dice.bytes(size),
    lifetime: { idle: '1h' },
  }
  const engines = [createSessions(options), createSessions(options)]
  const world: World = {
    dice,
    now: () => scheduler.moment(),
    pause: () => scheduler.turn(),
    slots: [null] as (Slot | null)[],
    published: () => {},
    journal: new Journal(),
    faulty: kind === 'faulty',
  }
  const problems = await collectRejections(async () => {
    const jumps = await play(scheduler, engines, world, kind)
    for (const { id } of world.journal.histories) world.journal.calls.push(...jumps.map((jump) => [id, jump] as const))
    await readEverything(createSessions({ ...options, store: inner }), world)
  })
  for (const history of world.journal.histories) {
    const verdict = check(history.born, history.calls)
    if (!verdict.ok) problems.push(explain(verdict))
    else if (hasEnded(history) && (await inner.get(history.id)) !== null)
      problems.push(`the row of ${history.id}, which had ended, is back`)
  }
  return { problems: problems.map((problem) => `seed ${seed} (${kind}): ${problem}`), calls: world.journal.calls.length }
}

async function play(scheduler: Scheduler, engines: readonly Sessions<Any>[], world: World, kind: (typeof kinds)[number]): Promise<Call[]> {
  const { dice } = world
  const jumps: Call[] = []
  const clients = Array.from({ length: 2 + dice.below(3) }, (_, i) => new Client(`c${i}`, engines[i % 2] as Sessions<Any>, world))
  const first = clients[0] as Client
  for (let attempt = 0; world.slots[0] === null && attempt < 20; attempt++) {
    void scheduler.begin(() => first.visit(0))
    await scheduler.run()
  }
  for (const client of clients) {
    const visits = 1 + dice.below(2)
    void scheduler.begin(async () => {
      for (let i = 0; i < visits; i++) await client.visit(0)
    })
  }
  if (dice.chance(0.3)) void scheduler.begin(() => end(engines[0] as Sessions<Any>, world))
  if (kind === 'late') void scheduler.begin(async () => void jumps.push(await jump(scheduler, world)))
  await scheduler.run()
  for (const client of clients) void scheduler.begin(() => client.visit(0))
  await scheduler.run()
  return jumps
}

/** An operator ends the session by its id. */
async function end(sessions: Sessions<Any>, { journal, faulty, now, pause }: World): Promise<void> {
  await pause()
  const id = [...journal.births.keys()].at(-1)
  if (id === undefined) return
  const call = { client: 'operator', start: now(), ticket: '' }
  try {
    const found = await sessions.revoke(id)
    journal.calls.push([id, { ...call, end: now(), action: { kind: 'end', found }, answer: 'known' }])
  } catch (error) {
    if (!faulty) throw error
    journal.calls.push([id, { ...call, end: Number.POSITIVE_INFINITY, action: { kind: 'end', found: true }, answer: 'unknown' }])
  }
}

/** The clock jumps over the idle timeout: from now on every session may be over, and once it is, stays over. */
async function jump(scheduler: Scheduler, world: World): Promise<Call> {
  await world.pause()
  scheduler.pass(hourMs + 1)
  return { client: 'clock', start: world.now(), end: Number.POSITIVE_INFINITY, ticket: '', action: { kind: 'expire' }, answer: 'unknown' }
}

/** Shows every ticket that was ever given to an engine that knows nothing yet. */
async function readEverything(sessions: Sessions<Any>, world: World): Promise<void> {
  for (const { id, born, calls } of world.journal.histories) {
    const given = calls.flatMap(({ action }) => (action.kind === 'commit' && action.ticket ? [action.ticket] : []))
    for (const ticket of new Set([born.current, ...given])) {
      const start = world.now()
      const session = await sessions.visit(headOf(ticket)).session<Any>()
      const action = { kind: 'read', saw: session.isNew ? null : seenIn(session) } as const
      world.journal.calls.push([id, { client: 'reader', start, end: world.now(), ticket, action, answer: 'known' }])
    }
  }
}

function hasEnded({ calls }: History): boolean {
  return calls.some(({ action, answer }) => {
    if (answer === 'unknown') return false
    return action.kind === 'end' ? action.found : action.kind === 'commit' && action.outcome === 'erased'
  })
}

/** What went wrong: what was thrown, and what nobody caught. */
async function collectRejections(run: () => Promise<void>): Promise<string[]> {
  const problems: string[] = []
  const note = (error: unknown): void => void problems.push(`nobody caught: ${String(error)}`)
  process.on('unhandledRejection', note)
  try {
    await run()
    await new Promise((resolve) => setImmediate(resolve))
  } catch (error) {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  } finally {
    process.off('unhandledRejection', note)
  }
  return problems
}

await gate(import.meta, { count: 20_000, seed: 1 }, async function* ({ count, seed, progress }) {
  const problems: string[] = []
  let calls = 0
  for (let i = 0; i < count; i++) {
    const told = await runSchedule(seed + i)
    problems.push(...told.problems)
    calls += told.calls
    progress(i + 1)
  }
  const what = `interleavings of 2 to 4 requests on two engines, with faults and clock jumps (seeds ${seed} to ${seed + count - 1})`
  yield {
    what,
    many: `${count} schedules, ${calls} calls`,
    wrong: problems.length,
    problems,
    zero: 'not linearizable, hanging or unhandled',
  }
})
