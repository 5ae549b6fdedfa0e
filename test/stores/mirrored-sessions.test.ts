/** A move from one store to another as an application goes through it: in rolling deploys, with people signed in. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createSessions, type Sessions, type SessionStore } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { mirroredStore, type MirroredStore } from '../../src/stores/mirrored.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { secret } from '../support/backends.ts'
import { Dice } from '../support/random.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { slowed } from '../support/slowed.ts'
import { Visitor } from '../support/visitor.ts'
import { postgres } from './profiles/postgres.ts'
import { redis } from './profiles/redis.ts'

type Any = Record<string, unknown>

/** What the processes of a step know: one store, or both and a phase; `back`: with the stores exchanged. */
type Process = 'old' | 'from' | 'to' | 'new' | 'back'
type Step = readonly [Process, Process]

const forth: readonly Step[] = [
  ['old', 'old'],
  ['old', 'from'],
  ['from', 'from'],
  ['from', 'to'],
  ['to', 'to'],
  ['to', 'new'],
  ['new', 'new'],
]
const andBack: readonly Step[] = [...forth.slice(0, 5), ['to', 'back'], ['back', 'back'], ['back', 'old'], ['old', 'old']]
/** Steps after which one store alone must do. */
const last = new Set(['to to', 'back back'])

interface Person {
  readonly visitor: Visitor
  readonly user: string
  /** Requests that were told that they had counted. */
  count: number
  over: boolean
}

class Deploy {
  readonly #dice: Dice
  readonly #stores: Readonly<Record<'old' | 'new', SessionStore>>
  readonly people: Person[] = []

  constructor(dice: Dice, old: SessionStore, fresh: SessionStore) {
    this.#dice = dice
    this.#stores = { old, new: fresh }
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      const stores = step.map((process) => this.#open(process))
      const engines = stores.map((store) => createSessions<Any>({ secret, store: slowed(store, this.#dice) }))
      await Promise.all([...this.people.map((one) => this.#live(one, engines)), ...Array.from({ length: 6 }, () => this.#arrive(engines))])
      if (last.has(step.join(' '))) await this.#moveAll(stores as MirroredStore[], engines)
      await this.#check(engines, step.join(' beside '))
    }
  }

  #open(process: Process): SessionStore {
    const { old, new: fresh } = this.#stores
    if (process === 'old' || process === 'new') return this.#stores[process]
    return process === 'back'
      ? mirroredStore({ from: fresh, to: old, phase: 'to' })
      : mirroredStore({ from: old, to: fresh, phase: process })
  }

  async #arrive(engines: readonly Sessions<Any>[]): Promise<void> {
    const visitor = new Visitor(this.#dice.pick(engines))
    const user = `user-${crypto.randomUUID()}`
    const one: Person = { visitor, user, count: 0, over: false }
    await visitor.visit((session) => session.set('n', 0))
    await this.#at(engines, one)
      .visit((session) => session.signIn(user))
      .then(({ outgoing }) => visitor.receive(outgoing))
    this.people.push(one)
    await this.#live(one, engines)
  }

  /** A few requests at once, at any process; some people log out in the midst of it. */
  async #live(one: Person, engines: readonly Sessions<Any>[]): Promise<void> {
    if (one.over) return
    const leaves = this.#dice.chance(0.15)
    const requests = Array.from({ length: 4 }, async () => {
      const { outgoing } = await this.#at(engines, one).visit((session) => {
        if (!session.isNew) session.update('n', (n) => Number(n) + 1)
      })
      if (outgoing.outcome === 'stored') one.count++
    })
    if (leaves)
      requests.push(
        this.#at(engines, one)
          .visit((session) => session.destroy())
          .then(() => void (one.over = true)),
      )
    await Promise.all(requests)
  }

  /** Everything moves, while people go on. */
  async #moveAll(stores: readonly MirroredStore[], engines: readonly Sessions<Any>[]): Promise<void> {
    const moving = stores.map((store) => store.moveAll())
    await Promise.all(this.people.map((one) => this.#live(one, engines)))
    await Promise.all(moving)
    for (const store of stores) expect((await store.moveAll()).left).toBe(0)
  }

  /** Every cookie opens its session, at every process, or none. */
  async #check(engines: readonly Sessions<Any>[], when: string): Promise<void> {
    for (const engine of engines) {
      for (const { visitor, user, count, over } of this.people) {
        const seen = await new Visitor(engine, visitor.jar).visit((session) => ({ user: session.user, n: session.get('n') }))
        expect(seen.result, `${when}: ${user}`).toEqual(over ? { user: null, n: undefined } : { user, n: count })
        expect((await engine.list(user)).length, `${when}: sessions of ${user}`).toBe(over ? 0 : 1)
      }
    }
  }

  #at(engines: readonly Sessions<Any>[], { visitor }: Person): Visitor {
    return new Visitor(this.#dice.pick(engines), visitor.jar)
  }
}

const seed = Date.now() % 1_000_000

it.each([
  ['there', forth],
  ['there and back', andBack],
] as const)(
  `S3.4 R-01 R-02 from memory to SQLite in rolling deploys, ${'%s'}, from seed ${seed}: nobody is signed out, in again, or miscounted`,
  async (_how, steps) => {
    const folder = mkdtempSync(join(tmpdir(), 'coatcheck-move-'))
    const [old, fresh] = [memoryStore(), sqliteStore({ file: join(folder, 'new.db') })]
    const deploy = new Deploy(new Dice(seed), old, fresh)
    await deploy.run(steps)
    expect(deploy.people.filter(({ over }) => over).length).toBeGreaterThan(3)
    expect(deploy.people.filter(({ over }) => !over).length).toBeGreaterThan(5)
    await fresh.close?.()
    rmSync(folder, { recursive: true })
  },
)

describeWith(['redis', 'postgres'], 'Redis to PostgreSQL', () => {
  it(`S3.4 from Redis to PostgreSQL in rolling deploys, there and back, from seed ${seed}`, async () => {
    const [old, fresh] = [await redis.open([await sharedServer('redis')]), await postgres.open([await sharedServer('postgres')])]
    await new Deploy(new Dice(seed), old.store, fresh.store).run(andBack)
    await Promise.all([old.close(), fresh.close()])
  })
})
