/** The carrier every guarantee holds for: a ticket at the client, a row in a store. */
import { emptyState, type State } from './body.ts'
import { isEmpty, replay, type Change } from './change.ts'
import { CoatcheckError } from './errors.ts'
import type { Guard } from './guard.ts'
import { holdsNothing, reject, type Held, type Keeper, type KeeperConfig, type SaveOptions, type Saved, type Shown } from './keeper.ts'
import { touchDue } from './lifetime.ts'
import { standingOf } from './rights.ts'
import { loadBase, rowOf } from './rows.ts'
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

  async open(tokens: readonly string[] | null): Promise<Held | null> {
    const ticket = this.#recognise(tokens)
    if (ticket === null) return null
    const { id, secret, secretHash, stale } = ticket
    const base = await loadBase(this.#config, this.#guard, id)
    if (base === null) return reject(this.#config, 'absent', id)
    const standing = standingOf(secretHash, base.state, this.#config.clock())
    if (standing === 'none') return reject(this.#config, 'replaced', id)
    if (standing === 'reused') {
      await this.#guard.delete(id)
      return reject(this.#config, 'reused', id)
    }
    return { ...base, secret: { secret, secretHash, stale } }
  }

  save(held: Held | null, change: Change, options: SaveOptions): Promise<Saved> {
    const { signIn } = change
    if (signIn === null) return this.#save(held, change, options)
    return this.#users.enter(signIn.user, held?.state.id ?? null, () => this.#save(held, change, options))
  }

  async #save(held: Held | null, change: Change, options: SaveOptions): Promise<Saved> {
    const shown = held?.secret ?? null
    if (held === null || shown === null) return this.#create(change, options)
    const nowMs = this.#config.clock()
    const { state } = held
    const standing = standingOf(shown.secretHash, state, nowMs)
    const seen = standing === 'current' && state.previous !== null && !state.previous.seen
    const due = touchDue(state.createdAt, held.expiresAt, nowMs, this.#config.lifetime)
    if (isEmpty(change) && !seen && !due && standing !== 'overdue') return { outcome: 'untouched', held, token: null, before: state }
    const turn = await this.#turns.take(held, shown, seen ? { ...change, seen } : change, options)
    this.#announce(turn, change, state.id)
    // Credentials were checked for this sign-in: that the session before it is over must not make it fail.
    if (turn.outcome === 'gone' && change.signIn !== null) return this.#create(change, { ...options, newId: mintId(this.#config.random) })
    if (turn.base === null)
      return { outcome: turn.outcome, held: null, token: turn.outcome === 'erased' ? 'forget' : null, before: turn.before }
    const secret = turn.newSecret === null ? shown : this.#shown(turn.newSecret)
    const renewed = turn.newSecret !== null || (shown.stale && turn.outcome === 'stored')
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
