/** What a move reads and writes: where the old session's place is, its values as ours, the claim, and the new session. */
import { hash } from 'node:crypto'
import { emptyState, type State } from '../core/body.ts'
import { CoatcheckError } from '../core/errors.ts'
import type { Guard } from '../core/guard.ts'
import { reject, type KeeperConfig, type Saved } from '../core/keeper.ts'
import { overwrite } from '../core/overwrite.ts'
import { loadStored, rowOf, type Base } from '../core/rows.ts'
import { Texts } from '../core/texts.ts'
import { hashOf, mintSecret } from '../core/ticket.ts'
import type { Row } from '../core/types.ts'
import { checkUser, type Users } from '../core/users.ts'
import { encodeValue } from '../core/values.ts'
import type { MoveIn, MoveInWhy, OldSession, OldTicket } from './move-in.ts'
import type { Tie, Ties } from './ties.ts'

/** Where an old session goes. */
export interface Place {
  readonly reader: MoveIn
  readonly ticket: OldTicket
  /** Of the session that takes the old one's place. */
  readonly id: string
  readonly claimId: string
  /** Stands for the old cookie where a secret's hash stands otherwise. */
  readonly oldHash: string
}

/** A session that was written just now. */
export interface Made extends Base {
  readonly secret: string
}

/** A claim on a cookie that never ends by itself: no cookie is kept for longer (RFC 6265bis 5.5). */
const claimLifeMaxMs = 400 * 86_400_000
/** The body of a claim on what we have ended ourselves. */
const ended = 'ended'
/** A claim outlives its cookie by more than clocks may differ: by that of its store it must not end first. */
const skewMs = 5 * 60_000

export class MovedRows {
  readonly #config: KeeperConfig
  readonly #guard: Guard
  readonly #users: Users
  readonly #scope: string
  readonly #ties: Ties | null

  /** `scope` keeps the places of two applications, or cookies, apart. */
  constructor(config: KeeperConfig, guard: Guard, users: Users, scope: string, ties: Ties | null) {
    this.#config = config
    this.#guard = guard
    this.#users = users
    this.#scope = scope
    this.#ties = ties
  }

  placeOf(reader: MoveIn, ticket: OldTicket): Place {
    const named = (purpose: string): string => this.#named(purpose, reader, ticket.identity)
    const claimId = this.#claimId(reader, ticket.identity)
    return { reader, ticket, id: named('session').slice(0, 24), claimId, oldHash: hashOf(named('secret')) }
  }

  /** Not under a key of ours: a claim has to outlive the change of secrets, and what names an old session cannot be guessed. */
  #named(purpose: string, { system, cookieName }: MoveIn, identity: string): string {
    return hash('sha256', `coatcheck move-in ${purpose}\n${this.#scope}\n${system}\n${cookieName}\n${identity}`, 'base64url')
  }

  #claimId(reader: MoveIn, identity: string): string {
    return this.#named('claim', reader, identity).slice(0, 24)
  }

  /** When somebody claimed the cookie, in unix milliseconds; `null`: nobody has. `NaN`: we have ended it. */
  async claimedAt({ claimId }: Place): Promise<number | null> {
    const claim = await this.#guard.get(claimId)
    return claim === null ? null : Number(claim.body)
  }

  /**
   * The values as ours, or `null`, a word to `because` and an event when they cannot be kept. `graceEnd`: until when the old cookie needs no
   * new ticket.
   */
  async stateOf(
    { id, oldHash, reader, ticket }: Place,
    { values, user = null }: OldSession,
    graceEnd: number,
    because?: (why: MoveInWhy) => void,
  ): Promise<State | null> {
    const { clock, terms, schema } = this.#config
    const nowMs = clock()
    try {
      if (user !== null) checkUser(user)
      const keys = Object.keys(values)
      const lines = keys.map((key) => encodeValue(key, values[key], terms.limits))
      const previous = { secretHash: oldHash, until: graceEnd, seen: false, stranded: null }
      const from = reader.dualWrite === undefined || this.#ties === null ? null : this.#ties.seal(reader, ticket.identity, id)
      const state: State = { ...emptyState(nowMs, schema.version), id, user, previous, from, values: new Texts(keys, lines) }
      await schema.check(state)
      rowOf(this.#config, state)
      return state
    } catch (error) {
      if (!(error instanceof CoatcheckError)) throw error
      because?.(error.code)
      return reject(this.#config, 'unreadable', id)
    }
  }

  /** Decides who makes the session: `false` when somebody else was faster. */
  async claim({ reader, claimId }: Place, { expiresAt }: OldSession): Promise<boolean> {
    const row = this.#claimOn(reader, claimId, String(this.#config.clock()), expiresAt)
    return (await this.#guard.put(row, null)) !== null
  }

  #claimOn({ sunsetAt }: MoveIn, id: string, body: string, expiresAt: number | null): Row {
    const nowMs = this.#config.clock()
    const longest = nowMs + claimLifeMaxMs
    const end = Math.min(wholeMs(expiresAt) ?? longest, wholeMs(sunsetAt) ?? longest, longest)
    return { id, body, user: null, expiresAt: Math.max(end, nowMs) + skewMs }
  }

  /** Whether we have ended the old session: what stands there by now, the old application has brought back. */
  async isEnded({ claimId }: Place): Promise<boolean> {
    return (await this.#guard.get(claimId))?.body === ended
  }

  /** Notes that we have. For somebody who has the guard's word already. */
  async markEnded({ reader, identity }: Tie): Promise<void> {
    const claim = this.#claimOn(reader, this.#claimId(reader, identity), ended, null)
    await overwrite(this.#guard.store, claim, 'note the end of a session')
  }

  /**
   * Writes the new session; `null` when its user may have no more. When that fails, the old cookie has another try. `aliveUntil`: nobody has
   * used it with us yet, so it lives at least as long as it would have where it comes from. `over`: the version of what stands in its place;
   * then somebody else may be faster, which is `null` too.
   */
  async make(place: Place, values: State, aliveUntil = 0, over?: string | null): Promise<Made | null> {
    const { random, lifetime, emit, name } = this.#config
    const secret = mintSecret(random)
    const state: State = { ...values, secretHash: hashOf(secret) }
    const row = rowOf(this.#config, state)
    const expiresAt = Math.max(row.expiresAt, Math.min(wholeMs(aliveUntil) ?? 0, state.createdAt + lifetime.absoluteMs))
    const version = await this.#put(place, { ...row, expiresAt }, over)
    if (version === null) return null
    emit({ type: 'moved_in', name, id: state.id, user: state.user, system: place.reader.system })
    return { state, expiresAt, version, secret }
  }

  async #put(place: Place, row: Row, over?: string | null): Promise<string | null> {
    let version: string | null = null
    const put = async (): Promise<Saved> => {
      version = await this.#guard.put(row, over ?? null)
      if (version === null && over === undefined)
        throw new CoatcheckError('store_unavailable', 'the place of a session that moves in was taken')
      return saved
    }
    try {
      await (row.user === null ? put() : this.#users.enter(row.user, place.id, put))
      return version
    } catch (error) {
      const { store } = this.#guard
      const there = await loadStored(this.#config, this.#guard, place.id)
      if (there === null) await this.#guard.run('delete', () => store.delete(place.claimId))
      if (error instanceof CoatcheckError && error.code === 'too_many_sessions') return reject(this.#config, 'foreign', null)
      throw error
    }
  }
}

/** What an old system calls a moment may have a fraction, and stores keep whole milliseconds. `null`: never, or no number. */
function wholeMs(moment: number | null): number | null {
  return moment === null || Number.isNaN(moment) ? null : Math.ceil(moment)
}

// Sign-ins take turns by what they have saved; of this one there is nothing more to know.
const saved: Saved = { outcome: 'stored', held: null, token: null, before: null }
