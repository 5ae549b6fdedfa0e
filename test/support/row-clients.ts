/** Clients that do random things to one row through stores that share it, and write down what they were told. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { SessionStore, StoredRow } from '../../src/index.ts'
import type { Dice } from './random.ts'
import type { RowAction, RowCall } from './row-checker.ts'
import type { Scheduler } from './scheduler.ts'

/** A call while it is under way and afterwards. */
export interface Noted {
  readonly client: string
  /** Which of the stores. */
  readonly at: number
  readonly start: number
  readonly startMs: number
  /** Infinity until it was answered, and for ever when it failed. */
  end: number
  action: RowAction
}

export interface RowWorld {
  readonly dice: Dice
  readonly scheduler: Scheduler
  readonly id: string
  readonly stores: readonly SessionStore[]
  /** Stores of one family know each other's versions; by default all are of one. */
  readonly families?: readonly number[]
  /** Whether a call may fail. */
  readonly faulty: boolean
  /** `false`: nobody creates the row any more, as nobody gives out an id twice. */
  creates: boolean
  readonly problems: string[]
  readonly calls: Noted[]
}

/** Which call a store call belongs to. */
export const under = new AsyncLocalStorage<Noted>()

const deadlineMs = 2_000
const hourMs = 3_600_000

/** All clients of a world; what one has seen the others may try. */
export class RowClients {
  readonly #world: RowWorld
  readonly #bodies = new Map<string, string>()
  /** By family. */
  readonly #seen = new Map<number, string[]>()
  #made = 0

  constructor(world: RowWorld) {
    this.#world = world
  }

  /** One random call. */
  async act(client: string, at: number, weights: Readonly<Record<RowAction['kind'], number>>): Promise<void> {
    const { dice, id } = this.#world
    const store = this.#world.stores[at] as SessionStore
    const drawn = dice.weighted(weights)
    const kind = drawn === 'touch' && store.touch === undefined ? 'get' : drawn
    if (kind === 'get') return this.#get(client, at, store)
    if (kind === 'put') return this.#put(client, at, store)
    if (kind === 'delete') return void (await this.#call(client, at, { kind }, () => store.delete(id)))
    const expiresAt = this.#expiry()
    const touch = (): Promise<boolean> => (store.touch as NonNullable<SessionStore['touch']>)(id, expiresAt)
    const answer = await this.#call(client, at, { kind, expiresAt, found: true }, touch)
    if (answer !== null) answer.call.action = { kind, expiresAt, found: answer.value }
  }

  async #get(client: string, at: number, store: SessionStore): Promise<void> {
    const { id } = this.#world
    const many = async (): Promise<StoredRow | null> => (await store.getMany?.([id]))?.[0] ?? null
    const get = store.getMany === undefined || this.#world.dice.chance(0.5) ? () => store.get(id) : many
    const answer = await this.#call(client, at, { kind: 'get', saw: null }, get)
    if (answer === null) return
    const row = answer.value
    answer.call.action = { kind: 'get', saw: row === null ? null : { body: row.body, expiresAt: row.expiresAt } }
    if (row !== null) this.#learn(at, row.version, row.body)
  }

  async #put(client: string, at: number, store: SessionStore): Promise<void> {
    const { dice, id } = this.#world
    // Mostly the newest version anybody has seen, sometimes one that must be stale by now.
    const seen = this.#versionsOf(at)
    const newest = seen.at(-1) ?? null
    const chosen = dice.chance(0.75) ? newest : dice.pick([null, ...seen])
    const expected = chosen === null && !this.#world.creates ? newest : chosen
    if (expected === null && !this.#world.creates) return
    const row = { body: `${client}-${++this.#made}`, expiresAt: this.#expiry() }
    const over = expected === null ? null : (this.#bodies.get(this.#nameOf(at, expected)) ?? '?')
    const put = (): Promise<string | null> => store.put({ id, user: null, ...row }, expected)
    const answer = await this.#call(client, at, { kind: 'put', row, over, won: true }, put)
    if (answer === null) return
    answer.call.action = { kind: 'put', row, over, won: answer.value !== null }
    if (answer.value !== null) this.#learn(at, answer.value, row.body)
  }

  #learn(at: number, version: string, body: string): void {
    const name = this.#nameOf(at, version)
    const before = this.#bodies.get(name)
    if (before !== undefined && before !== body) this.#world.problems.push(`version ${version} stands for ${before} and for ${body}`)
    this.#bodies.set(name, body)
    const seen = this.#versionsOf(at)
    if (seen.at(-1) !== version) seen.push(version)
  }

  #versionsOf(at: number): string[] {
    const family = this.#world.families?.[at] ?? 0
    const seen = this.#seen.get(family) ?? []
    this.#seen.set(family, seen)
    return seen
  }

  #nameOf(at: number, version: string): string {
    return `${this.#world.families?.[at] ?? 0} ${version}`
  }

  #expiry(): number {
    return this.#world.scheduler.clock() + hourMs + this.#world.dice.below(1_000) * 1_000
  }

  /** `null` when it failed, or took longer than anybody waits. */
  async #call<T>(client: string, at: number, action: RowAction, run: () => Promise<T>): Promise<{ call: Noted; value: T } | null> {
    const { scheduler, faulty, problems, calls } = this.#world
    await scheduler.turn()
    const call: Noted = {
      client,
      at,
      start: scheduler.moment(),
      startMs: scheduler.clock(),
      end: Number.POSITIVE_INFINITY,
      action,
    }
    calls.push(call)
    try {
      const value = await under.run(call, () => (faulty ? inTime(scheduler, run) : run()))
      call.end = scheduler.moment()
      return { call, value }
    } catch (error) {
      if (!faulty) problems.push(`${client} ${action.kind} failed: ${String(error)}`)
      return null
    }
  }
}

/** What a checker is given. A read that failed says nothing. */
export function callsOf(world: RowWorld): RowCall[] {
  return world.calls.filter(({ action, end }) => action.kind !== 'get' || end !== Number.POSITIVE_INFINITY)
}

/** Nobody waits longer than the engine would. */
export function inTime<T>(scheduler: Scheduler, run: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = scheduler.timers.set(() => reject(new Error('too late')), deadlineMs)
    const end = (): void => scheduler.timers.clear(timer)
    run().then(
      (value) => (end(), resolve(value)),
      (error: unknown) => (end(), reject(error as Error)),
    )
  })
}
