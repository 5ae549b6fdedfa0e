/** Sessions by their owner: listing, ending, and how many there may be. */
import { CoatcheckError } from './errors.ts'
import type { Guard } from './guard.ts'
import type { KeeperConfig, Saved } from './keeper.ts'
import { lastUsedAt } from './lifetime.ts'
import { loadAny, loadBase, loadStored, type Base } from './rows.ts'
import { readValue } from './values.ts'

/** One of a user's sessions, as a page of devices shows it. Times are unix milliseconds. */
export interface SessionInfo {
  /** For `revoke(id)`; equals `session.id` of the device itself. */
  readonly id: string
  readonly user: string
  readonly createdAt: number
  /** Of one that moved in signed in: when it did. */
  readonly signedInAt: number
  /** As exact as `lifetime.touchEvery`. */
  readonly lastUsedAt: number
  /** When it ends unless it is used. */
  readonly expiresAt: number
  /** A stored value, such as the device's name saved at sign-in. */
  get(key: string): unknown
}

export interface MaxPerUser {
  readonly max: number
  /** `'end-oldest'`: the session signed in longest ago makes room. `'refuse'`: the sign-in throws `too_many_sessions`. */
  readonly whenFull: 'end-oldest' | 'refuse'
}

/** Refuses what no store would give back as it was: half a surrogate pair and a zero do not survive UTF-8 columns. */
export function checkUser(user: unknown): void {
  if (typeof user === 'string' && user !== '' && user.length <= 512 && user.isWellFormed() && !user.includes('\0')) return
  throw new CoatcheckError('value_invalid', 'signIn needs the user as well-formed text of 1 to 512 characters; write String(user.id)')
}

const idShape = /^[A-Za-z0-9_-]{24}$/

export class Users {
  readonly #config: KeeperConfig
  readonly #guard: Guard
  readonly #max: MaxPerUser | null
  readonly #entering = new Map<string, Promise<unknown>>()

  constructor(config: KeeperConfig, guard: Guard, max: MaxPerUser | null) {
    this.#config = config
    this.#guard = guard
    this.#max = max
  }

  async list(user: string): Promise<SessionInfo[]> {
    const bases = await this.#of(user, loadBase)
    return bases.map((base) => this.#info(base, user)).toSorted((a, b) => b.lastUsedAt - a.lastUsedAt)
  }

  async revoke(id: string): Promise<boolean> {
    if (typeof id !== 'string' || !idShape.test(id)) return false
    const base = await loadAny(this.#config, this.#guard, id)
    if (base === null) return false
    await this.#end(base)
    return !base.over
  }

  async revokeAll(user: string, except: string | null): Promise<number> {
    const bases = (await this.#of(user, loadAny)).filter(({ state }) => state.id !== except)
    await this.#guard.each(bases, (base) => this.#end(base))
    return bases.filter(({ over }) => !over).length
  }

  /** Runs a sign-in with room made for it. Sign-ins of one user take turns, or each would find the room the other takes. */
  enter(user: string, ownId: string | null, signIn: () => Promise<Saved>): Promise<Saved>
  enter(user: string, ownId: string | null, signIn: () => Promise<Saved | null>): Promise<Saved | null>
  enter(user: string, ownId: string | null, signIn: () => Promise<Saved | null>): Promise<Saved | null> {
    if (this.#max === null) return signIn()
    const max = this.#max
    const run = async (): Promise<Saved | null> => {
      await this.makeRoom(user, ownId)
      const saved = await signIn()
      if (saved?.held) await this.#keepTo(max, user, saved.held.state.id)
      return saved
    }
    const mine = (this.#entering.get(user) ?? Promise.resolve()).then(run, run)
    this.#entering.set(user, mine)
    const leave = (): void => {
      if (this.#entering.get(user) === mine) this.#entering.delete(user)
    }
    mine.then(leave, leave)
    return mine
  }

  /** Makes room for one more session than `ownId`, or throws `too_many_sessions`. */
  async makeRoom(user: string, ownId: string | null): Promise<void> {
    if (this.#max === null) return
    const { max, whenFull } = this.#max
    const others = (await this.#of(user, loadStored)).filter(({ state }) => state.id !== ownId)
    if (others.length < max) return
    if (whenFull === 'refuse') throw tooMany(others.length, max)
    await this.#guard.each(oldestOf(others, others.length - max + 1), (base) => this.#end(base))
  }

  /** Other processes made room for their sign-ins and saw none of ours. All that look afterwards agree on who goes. */
  async #keepTo({ max, whenFull }: MaxPerUser, user: string, ownId: string): Promise<void> {
    const bases = await this.#of(user, loadStored)
    const over = bases.length - max
    if (over <= 0) return
    const going = whenFull === 'refuse' ? bases.filter(({ state }) => state.id === ownId) : oldestOf(bases, over)
    await this.#guard.each(going, (base) => this.#end(base))
    if (whenFull === 'refuse') throw tooMany(bases.length - 1, max)
  }

  async #of<Found extends Base>(
    user: string,
    load: (config: KeeperConfig, guard: Guard, id: string) => Found | null | Promise<Found | null>,
  ): Promise<Found[]> {
    if (typeof user !== 'string') throw new CoatcheckError('value_invalid', 'a user is a string; write String(user.id)')
    const { store } = this.#guard
    const { idsOf } = store
    if (idsOf === undefined) {
      throw new CoatcheckError('unsupported', 'this store keeps no index of users; list, revokeUser and maxPerUser need one that has idsOf')
    }
    const ids = await this.#guard.run('idsOf', () => idsOf.call(store, user))
    const bases = await this.#guard.each(ids, (id) => load(this.#config, this.#guard, id))
    return bases.filter((base) => base?.state.user === user) as Found[]
  }

  async #end({ state: { id, user } }: Base): Promise<void> {
    await this.#guard.delete(id)
    this.#config.emit({ type: 'revoked', name: this.#config.name, id, user })
  }

  #info({ state, expiresAt }: Base, user: string): SessionInfo {
    return {
      id: state.id,
      user,
      createdAt: state.createdAt,
      signedInAt: state.signedInAt ?? state.createdAt,
      lastUsedAt: lastUsedAt(state, expiresAt, this.#config.lifetime),
      expiresAt,
      get: (key) => readValue(state.values.get(key)),
    }
  }
}

function oldestOf(bases: readonly Base[], count: number): Base[] {
  const age = ({ state }: Base): number => state.signedInAt ?? state.createdAt
  return bases.toSorted((a, b) => age(a) - age(b) || (a.state.id < b.state.id ? -1 : 1)).slice(0, count)
}

function tooMany(count: number, max: number): CoatcheckError {
  return new CoatcheckError('too_many_sessions', `this user has ${count} sessions already, and maxPerUser is ${max}`)
}
