/**
 * The carrier that starts small: sealed in the cookie while nobody is signed in, the data fits and nothing was rotated (a copy
 * has no secret to change), in the store from then on.
 *
 * The row takes over the sealed copy's id, so a copy that comes back finds the row in its place and is refused. A session that
 * ends leaves a tombstone there until no copy of it can be alive. Whoever opened the copy before the row existed may still write
 * to it: the copy counts as the row's previous secret.
 */
import { emptyState, type State } from './body.ts'
import { isEmpty, replay, type Change } from './change.ts'
import type { Guard } from './guard.ts'
import { holdsNothing, reject, type Held, type Keeper, type KeeperConfig, type SaveOptions, type Saved } from './keeper.ts'
import { touchDue } from './lifetime.ts'
import { overwrite } from './overwrite.ts'
import { loadBase, rowOf } from './rows.ts'
import type { Seals } from './seal.ts'
import { sealState, unseal, type Unsealed } from './sealed.ts'
import type { StoredKeeper } from './stored.ts'
import { hashOf, mintSecret, type Tickets } from './ticket.ts'
import type { SessionStore } from './types.ts'
import { defaultGraceMs } from './turns.ts'
import type { Users } from './users.ts'

export interface SpillOptions {
  /** How long after sealing a copy is believed without asking the store. */
  readonly trustMs: number
  readonly tokenBytesMax: number
}

export class SpillKeeper implements Keeper {
  readonly tokenCarriesData = true
  readonly #config: KeeperConfig
  readonly #guard: Guard
  readonly #seals: Seals
  readonly #tickets: Tickets
  readonly #stored: StoredKeeper
  readonly #users: Users
  readonly #options: SpillOptions

  constructor(
    config: KeeperConfig,
    guard: Guard,
    seals: Seals,
    tickets: Tickets,
    stored: StoredKeeper,
    users: Users,
    options: SpillOptions,
  ) {
    this.#config = config
    this.#guard = guard
    this.#seals = seals
    this.#tickets = tickets
    this.#stored = stored
    this.#users = users
    this.#options = options
  }

  async open(tokens: readonly string[] | null): Promise<Held | null> {
    const sealed = tokens?.filter((token) => token.startsWith('s1')) ?? []
    if (tokens === null || sealed.length === 0) return this.#stored.open(tokens)
    const copy = unseal(this.#config, this.#seals, sealed)
    const others = tokens.filter((token) => !token.startsWith('s1'))
    const stored = others.length === 0 ? null : await this.#stored.open(others)
    if (copy === null) return stored
    return stored === null ? this.#openCopy(copy) : reject(this.#config, 'ambiguous', null)
  }

  saveNow(held: Held | null, change: Change): Saved | null {
    if (held === null || held.version !== null) return this.#stored.saveNow(held, change)
    const { clock, lifetime } = this.#config
    if (!isEmpty(change) || touchDue(held.state.createdAt, held.expiresAt, clock(), lifetime)) return null
    return { outcome: 'untouched', held, token: null, before: held.state }
  }

  async save(held: Held | null, change: Change, options: SaveOptions): Promise<Saved> {
    if (held !== null && held.version !== null) return this.#stored.save(held, change, options)
    const { clock, terms, schema, lifetime, random } = this.#config
    const nowMs = clock()
    const base = held?.state ?? { ...emptyState(nowMs, schema.version), id: options.newId }
    const due = held !== null && touchDue(base.createdAt, held.expiresAt, nowMs, lifetime)
    if (isEmpty(change) && !due) return { outcome: 'untouched', held, token: null, before: held?.state ?? null }
    if (held !== null && (await this.#guard.get(base.id)) !== null) return this.#join(held, change, options)
    if (change.destroy) return this.#end(held)
    const state = replay(base, change, options.opened, nowMs, terms)
    if (held === null && holdsNothing(state)) return { outcome: 'untouched', held, token: null, before: null }
    await schema.check(state)
    const full = held === null ? { ...state, secretHash: hashOf(mintSecret(random)) } : state
    const sealed = sealState(this.#config, this.#seals, full)
    if (state.user === null && change.rotateGraceMs === null && sealed.token.length <= this.#options.tokenBytesMax) {
      if (held === null) this.#config.emit({ type: 'created', name: this.#config.name, id: state.id, user: null })
      return { outcome: state === base ? 'slid' : 'stored', ...sealed, before: held?.state ?? null }
    }
    const spill = (): Promise<Saved | null> => this.#spill(full, held, change)
    const spilled = change.signIn === null ? await spill() : await this.#users.enter(change.signIn.user, base.id, spill)
    return spilled ?? this.#join(held, change, options)
  }

  async #openCopy(copy: Unsealed): Promise<Held | null> {
    const held = { ...copy, state: await this.#config.schema.upgrade(copy.state) }
    const ageMs = this.#config.clock() - copy.sealedAt
    // Sealed by a clock that is ahead, it would be believed until ours gets there.
    if (ageMs >= 0 && ageMs < this.#options.trustMs) return held
    const { id, secretHash } = copy.state
    const row = await this.#guard.get(id)
    if (row === null) return held
    const base = row.body === '' ? null : await loadBase(this.#config, this.#guard, id)
    // The response that carried the ticket is still under way, or was lost: nobody has used it yet.
    if (base?.state.previous?.secretHash === secretHash && !base.state.previous.seen) return { ...base, secret: shown(secretHash) }
    return reject(this.#config, 'outdated', id)
  }

  /** Moves the session into the store; `null` when another request has been faster. */
  async #spill(state: State, held: Held | null, change: Change): Promise<Saved | null> {
    const { random, clock, emit, name } = this.#config
    const secret = mintSecret(random)
    const previous =
      held === null || change.signIn !== null
        ? null
        : { secretHash: state.secretHash, until: clock() + (change.rotateGraceMs ?? defaultGraceMs), seen: false, stranded: null }
    const moved: State = { ...state, secretHash: hashOf(secret), previous }
    const row = rowOf(this.#config, moved)
    const version = await this.#guard.put(row, null)
    if (version === null) return null
    if (held === null) emit({ type: 'created', name, id: state.id, user: state.user })
    if (change.signIn !== null) emit({ type: 'signed_in', name, id: state.id, user: change.signIn.user })
    const ticket = { secret, secretHash: moved.secretHash, stale: false }
    return {
      outcome: 'stored',
      held: { state: moved, expiresAt: row.expiresAt, version, secret: ticket },
      token: this.#tickets.write(state.id, secret),
      before: held?.state ?? null,
    }
  }

  /** Replays on the row that has taken the copy's place. */
  #join(held: Held | null, change: Change, options: SaveOptions): Promise<Saved> {
    return this.#stored.save(held === null ? null : { ...held, secret: shown(held.state.secretHash) }, change, options)
  }

  async #end(held: Held | null): Promise<Saved> {
    if (held === null) return { outcome: 'untouched', held, token: null, before: null }
    const { id, user } = held.state
    await this.#guard.delete(id)
    this.#config.emit({ type: 'destroyed', name: this.#config.name, id, user })
    return { outcome: 'erased', held: null, token: 'forget', before: held.state }
  }
}

/** The copy may be of a machine whose clock is ahead, and the tombstone be swept by another. */
const clocksDifferMs = 3_600_000

/** A `delete` that leaves a tombstone: a row without a body, in the way of every sealed copy of the session. */
export function entombing(store: SessionStore, lifeMaxMs: number, nowMs: () => number): (id: string) => Promise<void> {
  return (id) => overwrite(store, { id, body: '', user: null, expiresAt: nowMs() + lifeMaxMs + clocksDifferMs }, 'end this session')
}

// A sealed copy shows no secret of its own: the hash inside stands for it.
function shown(secretHash: string): NonNullable<Held['secret']> {
  return { secret: '', secretHash, stale: false }
}
