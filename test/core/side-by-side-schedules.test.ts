/** Both applications at once, in whatever order their stores answer. */
import { expect, test } from 'vitest'
import { createSessions, type Sessions } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { secret } from '../support/backends.ts'
import { oldTwin, seenBy, type OldTwin } from '../support/beside.ts'
import { Dice } from '../support/random.ts'
import { noFaults, Scheduler } from '../support/scheduler.ts'
import { Visitor } from '../support/visitor.ts'

type Any = Record<string, unknown>

/** What happens besides changes of values. */
type Kind = 'nothing' | 'logout here' | 'logout there' | 'eve signs in there' | 'bob signs in here'

const first = Date.now() % 1_000_000
const rounds = 60

interface World {
  readonly dice: Dice
  readonly scheduler: Scheduler
  readonly old: OldTwin
  readonly engines: readonly Sessions<Any>[]
  /** Outcomes of what has been acknowledged. */
  readonly told: string[]
}

/** One request, which may take its time. Values are named after who its session was opened for. */
async function request({ dice, scheduler, told }: World, visitor: Visitor, n: number, act: 'set' | 'destroy' | 'sign in'): Promise<void> {
  const { session, finish } = await visitor.begin()
  const { user, isNew } = session
  for (let turns = dice.below(4); turns > 0; turns--) await scheduler.turn()
  if (isNew) return
  if (act === 'destroy') session.destroy()
  else if (act === 'sign in') session.signIn('bob')
  else session.set(`${user} ${n}`, n)
  const { outcome } = await finish()
  told.push(`${act}: ${outcome}`)
}

/** What a request of the old application does that was under way: it saves all it has loaded. */
async function theirs({ dice, scheduler, old }: World, kind: Kind): Promise<void> {
  const found = old.rows.get('a')
  for (let turns = dice.below(6); turns > 0; turns--) await scheduler.turn()
  if (kind === 'logout there') old.rows.delete('a')
  else if (kind === 'eve signs in there' && old.rows.has('a')) old.rows.set('a', { user: 'eve' })
  else if (kind === 'logout here' && found !== undefined) old.rows.set('a', { ...found, theirs: 'changed' })
}

async function play(seed: number, kind: Kind): Promise<{ readonly world: World; readonly all: readonly Visitor[] }> {
  const dice = new Dice(seed)
  const scheduler = new Scheduler(dice, 0)
  const old = oldTwin({ revives: kind === 'logout here' && dice.chance(0.5) })
  for (const operation of ['load', 'loaded', 'write', 'end']) old.faults.set(operation, () => scheduler.turn())
  const store = scheduler.store(memoryStore({ clock: scheduler.clock }), noFaults, dice.pick(['get', 'getMany', 'getNow']))
  const { clock, timers } = scheduler
  const make = (): Sessions<Any> => createSessions<Any>({ secret, store, clock, timers, moveIn: [old.reader] })
  const world: World = { dice, scheduler, old, engines: [make(), make()], told: [] }
  const jar = new Map([['old', 'a.good']])
  const engineOf = (n: number): Sessions<Any> => world.engines[n % 2] as Sessions<Any>
  const moved = new Visitor(engineOf(0), jar)
  if (dice.chance(0.7)) void scheduler.begin(() => moved.visit(() => {}).then(() => {}))
  await scheduler.run()
  const all = Array.from({ length: 3 + dice.below(3) }, (_, n) => {
    const visitor = new Visitor(engineOf(n), dice.chance(0.7) ? moved.jar : jar)
    if (dice.chance(0.2) && visitor.jar.size > 1) visitor.jar.delete('old')
    return visitor
  })
  for (const [n, visitor] of all.entries()) {
    const act = n > 0 ? 'set' : kind === 'logout here' ? 'destroy' : kind === 'bob signs in here' ? 'sign in' : 'set'
    void scheduler.begin(async () => {
      await request(world, visitor, n, act)
      if (act === 'set' && dice.chance(0.5)) await request(world, visitor, n + 100, act)
    })
  }
  void scheduler.begin(() => theirs(world, kind))
  await scheduler.run()
  return { world, all: [...all, new Visitor(engineOf(0), jar)] }
}

/** Who each of the visitors is now, one after another, and what they see. */
async function afterwards(
  { scheduler }: World,
  all: readonly Visitor[],
): Promise<{ readonly user: unknown; readonly values: Any; readonly hadTicket: boolean }[]> {
  const seen: { user: unknown; values: Any; hadTicket: boolean }[] = []
  const hadTickets = all.map((one) => one.jar.has('__Host-session'))
  void scheduler.begin(async () => {
    for (const [n, one] of all.entries()) {
      const user = await seenBy(one)
      const { result: values } = await one.visit((session) => session.toJSON())
      seen.push({ user, values, hadTicket: hadTickets[n] === true })
    }
  })
  await scheduler.run()
  return seen
}

const namesOf = (values: Any): string[] => Object.keys(values).map((key) => key.split(' ')[0] ?? '')
const seeds = Array.from({ length: rounds }, (_, n) => first + n)

test(`M-06 R-10 from seed ${first}: in the end both have the same`, async () => {
  for (const seed of seeds) {
    const { world, all } = await play(seed, 'nothing')
    for (const { user, values } of await afterwards(world, all)) {
      expect([seed, user, { user, ...values }]).toEqual([seed, 'ada', world.old.rows.get('a')])
    }
  }
})

test(`M-06 R-02 R-10 from seed ${first}: after a logout here nobody is signed in, whatever the old application saves`, async () => {
  let ended = 0
  for (const seed of seeds) {
    const { world, all } = await play(seed, 'logout here')
    if (!world.told.includes('destroy: erased')) continue
    ended++
    for (const { user } of await afterwards(world, all)) expect([seed, user]).toEqual([seed, 'nobody'])
  }
  expect(ended).toBeGreaterThan(rounds / 2)
})

test(`M-06 R-02 R-10 from seed ${first}: after a logout there nobody is signed in`, async () => {
  for (const seed of seeds) {
    const { world, all } = await play(seed, 'logout there')
    for (const { user } of await afterwards(world, all)) expect([seed, user]).toEqual([seed, 'nobody'])
    expect([seed, world.old.rows.has('a')]).toEqual([seed, false])
  }
})

test(`M-06 R-08 R-10 from seed ${first}: what was Ada's is not Eve's after her sign-in there`, async () => {
  for (const seed of seeds) {
    const { world, all } = await play(seed, 'eve signs in there')
    expect([seed, namesOf(world.old.rows.get('a') as Any)]).not.toEqual([seed, expect.arrayContaining(['ada'])])
    for (const { user, values } of await afterwards(world, all.toReversed())) {
      expect([seed, namesOf(values)]).not.toEqual([seed, expect.arrayContaining(['ada'])])
      expect([seed, ['eve', 'nobody'].includes(String(user))]).toEqual([seed, true])
    }
  }
})

test(`M-06 L-01 R-10 from seed ${first}: a sign-in here ends the old session, and what was Ada's is not Bob's`, async () => {
  for (const seed of seeds) {
    const { world, all } = await play(seed, 'bob signs in here')
    if (!world.told.includes('sign in: stored')) continue
    expect([seed, world.old.rows.has('a')]).toEqual([seed, false])
    const seen = await afterwards(world, all)
    expect([seed, seen.map(({ user }) => user)]).toEqual([seed, ['bob', ...seen.slice(1).map(() => 'nobody')]])
    expect([seed, namesOf(seen[0]?.values ?? {})]).not.toEqual([seed, expect.arrayContaining(['ada'])])
  }
})
