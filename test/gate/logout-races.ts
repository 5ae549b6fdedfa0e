/**
 * Races of an end (destroy, revoke, revokeUser) against slow requests that write to the session, before and after their headers. Whoever
 * wins, nothing of the session may be alive afterwards, and nobody may have been given a cookie for it once it was over.
 *
 *     node test/gate/logout-races.ts [--count 5000] [--seed 1]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSessions, type Session, type Sessions, type SessionStore } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { headOf, ticketOf } from '../support/history.ts'
import { Dice } from '../support/random.ts'
import { pauseFor, slowed } from '../support/slowed.ts'
import { gate, type GateOptions, stopwatch } from './program.ts'

type Any = Record<string, unknown>

const secret = 'a secret for the races, longer than 32 bytes'
const atOnce = 100

const writes: readonly ((session: Session<Any>, user: string) => unknown)[] = [
  (session) => session.set('a', 2),
  (session) => session.update('n', (n) => Number(n) + 1),
  (session) => (session.get('list') as number[] | undefined)?.push(1),
  (session) => session.delete('n'),
  (session) => session.clear(),
  (session) => session.flash('late'),
  (session) => session.flashes(),
  (session) => session.take('once'),
  async (session) => [await session.take('once'), session.set('a', 3)],
  (session) => session.rotate(),
  (session) => session.set('a', 4).rotate({ grace: 0 }),
  (session, user) => session.signIn(user),
  () => {},
]

const ends = ['destroy', 'revoke', 'revokeUser'] as const
const endsWithoutIndex = ['destroy', 'revoke'] as const

interface Race {
  readonly dice: Dice
  readonly engines: readonly Sessions<Any>[]
  readonly user: string
  /** Whether the store has an index of users. */
  readonly lists: boolean
  readonly id: string
  /** Every ticket for the session, given before it was over. */
  readonly tickets: string[]
  /** Sessions that sign-ins were given because theirs was over. */
  readonly successors: string[]
  readonly problems: string[]
  over: boolean
}

export interface Races {
  readonly run: number
  readonly ended: number
  readonly problems: readonly string[]
}

/** Runs races on a store that nobody else uses. */
export async function runRaces(store: SessionStore, { seed, count, progress, secondsMax }: GateOptions): Promise<Races> {
  const dice = new Dice(seed)
  const network = slowed(store, dice)
  const make = (): Sessions<Any> => createSessions<Any>({ secret, store: network, lifetime: { touchEvery: 0 }, storeDeadline: '30s' })
  const engines = [make(), make()]
  const races: Race[] = []
  const isOver = stopwatch(secondsMax)
  for (let done = 0; done < count && !isOver(); done += atOnce) {
    const some = Array.from({ length: Math.min(atOnce, count - done) }, (_, i) =>
      run(engines, dice, `user-${seed}-${done + i}`, store.guarantees.userIndex),
    )
    races.push(...(await Promise.all(some)))
    progress(races.length)
  }
  const ended = races.filter(({ over }) => over)
  const aftermath = await inspect(createSessions<Any>({ secret, store, storeDeadline: '30s' }), store, races)
  const problems = [...races.flatMap((race) => race.problems), ...aftermath]
  return { run: races.length, ended: ended.length, problems: problems.map((problem) => `seed ${seed}: ${problem}`) }
}

async function run(engines: readonly Sessions<Any>[], dice: Dice, user: string, lists: boolean): Promise<Race> {
  const visit = dice.pick(engines).visit({ method: 'GET', header: () => undefined })
  const session = await visit.session<Any>()
  session.set('a', 1).set('n', 0).set('list', []).set('once', 'x')
  session.flash('hello')
  session.signIn(user)
  const ticket = ticketOf(await visit.commit()) ?? ''
  const race: Race = { dice, engines, user, lists, id: session.id, tickets: [ticket], successors: [], problems: [], over: false }
  const slow = Array.from({ length: 1 + dice.below(3) }, () => write(race, ticket))
  await Promise.all([...slow, end(race, ticket)])
  return race
}

/** A slow request. It may be overtaken by the end at every step. */
async function write(race: Race, ticket: string): Promise<void> {
  const { dice } = race
  const visit = dice.pick(race.engines).visit(headOf(ticket))
  const session = await visit.session<Any>()
  if (session.isNew) return
  await pauseFor(dice)
  await dice.pick(writes)(session, race.user)
  await pauseFor(dice)
  const over = race.over
  const outgoing = await visit.commit()
  note(race, session, over, outgoing.outcome, ticketOf(outgoing))
  // A stream that goes on writing, twice, while each save is under way.
  if (dice.chance(0.5) && session.id === race.id) {
    for (let i = 0; i < 2; i++) {
      session.set('late', i)
      if (dice.chance(0.5)) await pauseFor(dice)
    }
  }
  await visit.settled()
}

function note(race: Race, session: Session<Any>, wasOver: boolean, outcome: string, given: string | null): void {
  if (session.id !== race.id) race.successors.push(session.id)
  else if (wasOver && given !== null) race.problems.push(`a cookie was given for ${race.id} after its end`)
  else if (wasOver && outcome === 'stored') race.problems.push(`a write to ${race.id} was acknowledged after its end`)
  else if (given) race.tickets.push(given)
}

async function end(race: Race, ticket: string): Promise<void> {
  const { dice, id, user } = race
  const sessions = dice.pick(race.engines)
  for (let pauses = dice.below(4); pauses > 0; pauses--) await pauseFor(dice)
  switch (dice.pick(race.lists ? ends : endsWithoutIndex)) {
    case 'revoke':
      race.over = await sessions.revoke(id)
      return
    case 'revokeUser':
      race.over = (await sessions.revokeUser(user)) > 0
      return
    case 'destroy': {
      const visit = sessions.visit(headOf(ticket))
      const session = await visit.session<Any>()
      if (session.isNew) return
      await pauseFor(dice)
      session.destroy()
      // `gone`: somebody signed in meanwhile, and the session is no longer this ticket's to end.
      race.over = (await visit.commit()).outcome === 'erased'
    }
  }
}

/** What is alive that should not be. */
async function inspect(fresh: Sessions<Any>, store: SessionStore, races: readonly Race[]): Promise<string[]> {
  const problems: string[] = []
  for (const { id, tickets, user, lists, successors } of races.filter(({ over }) => over)) {
    if ((await store.get(id)) !== null) problems.push(`${id} is in the store after its end`)
    for (const ticket of tickets) {
      if ((await fresh.peek(headOf(ticket).header('cookie') ?? '')) !== null) problems.push(`${id} can be opened after its end`)
    }
    for (const one of lists ? await fresh.list(user) : [])
      if (!successors.includes(one.id)) problems.push(`${user} is listed with ${one.id}`)
  }
  const known = new Set(races.flatMap(({ id, over, successors }) => (over ? successors : [id, ...successors])))
  for (let cursor: string | null = null; store.scan !== undefined;) {
    const page: { ids: string[]; cursor: string | null } = await store.scan(cursor, 1_000)
    problems.push(...page.ids.filter((id) => !known.has(id)).map((id) => `${id} is in the store and nobody was given it`))
    cursor = page.cursor
    if (cursor === null) break
  }
  return problems
}

/** A store to race on, and how to be rid of it. */
export interface Course {
  readonly store: SessionStore
  close(): Promise<void>
}

export const courses: readonly { readonly name: string; open(): Course }[] = [
  { name: 'memory', open: () => ({ store: memoryStore(), close: () => Promise.resolve() }) },
  {
    name: 'SQLite',
    open() {
      const folder = mkdtempSync(join(tmpdir(), 'coatcheck-races-'))
      const store = sqliteStore({ file: join(folder, 'sessions.db') })
      const close = async (): Promise<void> => {
        await store.close?.()
        rmSync(folder, { recursive: true, force: true })
      }
      return { store, close }
    },
  },
]

await gate(import.meta, { count: 5_000, seed: 1 }, async function* ({ count, seed, progress }) {
  for (const { name, open } of courses) {
    const { store, close } = open()
    const { ended, problems } = await runRaces(store, { seed, count, progress })
    await close()
    const what = `races of a logout against slow writes: ${name}, two engines (seed ${seed})`
    yield { what, many: `${count} races, ${ended} ended`, zero: 'alive afterwards, or given a cookie', wrong: problems.length, problems }
  }
})
