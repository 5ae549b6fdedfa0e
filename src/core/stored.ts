/** The carrier every guarantee holds for: a ticket at the client, a row in a store. */
import { emptyState, type State } from './body.ts'
import { isEmpty, replay, type Change } from './change.ts'
import { CoatcheckError } from './errors.ts'
import type { Guard } from './guard.ts'
import { holdsNothing, reject, type Held, type Keeper, type KeeperConfig, type SaveOptions, type Saved, type Shown } from './keeper.ts'
import { touchDue } from './lifetime.ts'
import { standingOf } from './rights.ts'
import { loadBase, rowOf, type Base } from './rows.ts'
import { hashOf, mintId, mintSecret, type Ticket, type Tickets } from './ticket.ts'
import { Turns, type Turn } from './turns.ts'
import type { Users } from './users.ts'

const collisionsMax = 3

export class StoredKeeper implements Keeper {
  readonly tokenCarriesData = false
  readonly #config: KeeperConfig
  readonly #guard: Guard
  readonly #tickets: Tickets
  readonly #users: Users
  readonly #turns: Turns

  constructor(config: KeeperConfig, guard: Guard, tickets: Tickets, users: Users) {
    this.#config = config
    this.#guard = guard
    this.#tickets = tickets
    this.#users = users
    this.#turns = new Turns(config, guard)
  }

  open(tokens: readonly string[] | null): Held | null | Promise<Held | null> {
    const ticket = this.#recognise(tokens)
    if (ticket === null) return null
    const loading = loadBase(this.#config, this.#guard, ticket.id)
    return loading instanceof Promise ? loading.then((base) => this.#admit(ticket, base)) : this.#admit(ticket, loading)
  }

  #admit(ticket: Ticket, base: Base | null): Held | null | Promise<null> {
    const { id, secretHash } = ticket
    if (base === null) return reject(this.#config, 'absent', id)
    const standing = standingOf(secretHash, base.state, this.#config.clock())
    if (standing === 'none') return reject(this.#config, 'replaced', id)
    if (standing === 'reused') return this.#guard.delete(id).then(() => reject(this.#config, 'reused', id))
    return { state: base.state, expiresAt: base.expiresAt, version: base.version, secret: ticket }
  }

  saveNow(held: Held | null, change: Change): Saved | null {
    const { clock, lifetime } = this.#config
    if (!isEmpty(change)) return null
    if (held === null || held.secret === null) return { outcome: 'untouched', held, token: null, before: null }
    const { state, expiresAt, secret } = held
    const nowMs = clock()
    const standing = state.previous === null ? 'previous' : standingOf(secret.secretHash, state, nowMs)
    const unseen = standing === 'current' && state.previous?.seen === false
    if (unseen || standing === 'overdue' || touchDue(state.createdAt, expiresAt, nowMs, lifetime)) return null
    return { outcome: 'untouched', held, token: null, before: state }
  }

  save(held: Held | null, change: Change, options: SaveOptions): Promise<Saved> {
    const { signIn } = change
    if (signIn === null) return this.#save(held, change, options)
    return this.#users.enter(signIn.user, held?.state.id ?? null, () => this.#save(held, change, options))
  }

  async #save(held: Held | null, change: Change, options: SaveOptions): Promise<Saved> {
    const now = this.saveNow(held, change)
    if (now !== null) return now
    const shown = held?.secret ?? null
    if (held === null || shown === null) return this.#create(change, options)
    const { state } = held
    const turn = await this.#turns.take(held, shown, change, options)
    this.#announce(turn, change, state.id)
    // Credentials were checked for this sign-in: that the session before it is over must not make it fail.
    if (turn.outcome === 'gone' && change.signIn !== null) {
      // It was to take the place of a session that may by now be another of this user's.
      await this.#users.makeRoom(change.signIn.user, null)
      return this.#create(change, { ...options, newId: mintId(this.#config.random) })
    }
    if (turn.base === null)
      return { outcome: turn.outcome, held: null, token: turn.outcome === 'erased' ? 'forget' : null, before: turn.before }
    const secret = turn.newSecret === null ? shown : this.#shown(turn.newSecret)
    // A secret that was replaced meanwhile is not signed anew: the client may already hold the one that replaced it.
    const resigned = shown.stale && turn.outcome === 'stored' && shown.secretHash === turn.base.state.secretHash
    const renewed = turn.newSecret !== null || resigned
    const token = renewed ? this.#tickets.write(state.id, secret.secret) : null
    return {
      outcome: turn.outcome,
      held: { ...turn.base, secret: renewed ? { ...secret, stale: false } : secret },
      token,
      before: turn.before,
    }
  }

  async #create(change: Change, options: SaveOptions): Promise<Saved> {
    const { clock, terms, random, schema } = this.#config
    const nowMs = clock()
    const empty = emptyState(nowMs, schema.version)
    const state = change.destroy ? empty : replay(empty, change, null, nowMs, terms)
    if (holdsNothing(state)) return { outcome: 'untouched', held: null, token: null, before: null }
    await schema.check(state)
    const secret = mintSecret(random)
    let { newId } = options
    for (let attempt = 0; attempt < collisionsMax; attempt++) {
      const full: State = { ...state, id: newId, secretHash: hashOf(secret) }
      const row = rowOf(this.#config, full)
      const version = await this.#guard.put(row, null)
      if (version !== null) {
        this.#config.emit({ type: 'created', name: this.#config.name, id: newId, user: state.user })
        if (state.user !== null) this.#config.emit({ type: 'signed_in', name: this.#config.name, id: newId, user: state.user })
        const held = { state: full, expiresAt: row.expiresAt, version, secret: this.#shown(secret) }
        return { outcome: 'stored', held, token: this.#tickets.write(newId, secret), before: null }
      }
      newId = mintId(random)
    }
    throw new CoatcheckError(
      'random_failed',
      `${collisionsMax} new ids were all taken: the random source repeats itself; no session was created`,
    )
  }

  #announce(turn: Turn, change: Change, id: string): void {
    const { emit, name } = this.#config
    const user = turn.base?.state.user ?? turn.before?.user ?? null
    if (turn.outcome === 'erased') emit({ type: 'destroyed', name, id, user })
    else if (turn.outcome === 'gone' && !isEmpty(change)) emit({ type: 'gone', name, id })
    else if (turn.newSecret !== null && change.signIn !== null) emit({ type: 'signed_in', name, id, user: change.signIn.user })
    else if (turn.newSecret !== null) emit({ type: 'rotated', name, id, user })
  }

  #shown(secret: string): Shown {
    return { secret, secretHash: hashOf(secret), stale: false }
  }

  #recognise(tokens: readonly string[] | null): Ticket | null {
    if (tokens === null) return reject(this.#config, 'ambiguous', null)
    let genuine: Ticket | null = null
    for (const token of tokens) {
      const ticket = this.#tickets.read(token)
      if (typeof ticket === 'string') reject(this.#config, ticket, null)
      else if (genuine !== null) return reject(this.#config, 'ambiguous', null)
      else genuine = ticket
    }
    return genuine
  }
}
