/**
 * Taking over the sessions of another system, each once.
 *
 * What is left of an old cookie is two ids, both hashes of what names it: one for the session that takes its place, one for a
 * claim, a row that stays until the old cookie would have ended by itself. Whoever writes the claim makes the session; all
 * others, in whatever process, find it. So twenty requests with one old cookie make one session, and when that has ended, the
 * old cookie opens nothing: its claim is still there.
 *
 * To the new session the old cookie is what the secret before is to a rotation (decision 007): requests under way may still show it,
 * and so may a client that never got its ticket, but once the ticket has been used the old cookie is dead.
 */
import { hash } from 'node:crypto'
import { emptyState, type State } from '../core/body.ts'
import { CoatcheckError } from '../core/errors.ts'
import type { Guard } from '../core/guard.ts'
import { reject, type Held, type KeeperConfig, type Saved } from '../core/keeper.ts'
import { standingOf } from '../core/rights.ts'
import { loadBase, loadStored, rowOf, type Base } from '../core/rows.ts'
import { Texts } from '../core/texts.ts'
import { hashOf, mintSecret, type Tickets } from '../core/ticket.ts'
import { defaultGraceMs } from '../core/turns.ts'
import { checkUser, type Users } from '../core/users.ts'
import { encodeValue } from '../core/values.ts'
import type { MoveIn, MoveInCount, OldCookies, OldSession, OldTicket } from './move-in.ts'
import { oldCookiesOf } from './old-cookies.ts'
import type { RequestHead } from './types.ts'

/** A session that was opened by an old cookie. */
export interface Moved {
  readonly held: Held
  /** The ticket of a session made just now; `null` for one that another request has made. */
  readonly token: string | null
  /** Set-Cookie values that make the client forget the old cookies, to be sent with a ticket. */
  readonly forget: readonly string[]
}

interface Reader {
  readonly reader: MoveIn
  readonly mark: string
  readonly count: Record<'moved' | 'replayed' | 'refused', number>
}

interface Place {
  readonly reader: MoveIn
  readonly cookies: OldCookies
  readonly ticket: OldTicket
  /** Of the session that takes the old one's place. */
  readonly id: string
  readonly claimId: string
  /** Stands for the old cookie where a secret's hash stands otherwise. */
  readonly oldHash: string
}

/** How long a request waits for the session that another one is making of the same cookie: as long as that may take. */
const waitsMs = [1, 2, 5, 10, 20, 50, 100, 200, 400]
const makingMsMax = 2_000
/** A claim on a cookie that never ends by itself: no cookie is kept for longer (RFC 6265bis 5.5). */
const claimLifeMaxMs = 400 * 86_400_000

export class Moving {
  readonly #config: KeeperConfig
  readonly #guard: Guard
  readonly #tickets: Tickets
  readonly #users: Users
  readonly #scope: string
  readonly #secure: boolean
  readonly #readers: readonly Reader[]

  constructor(
    config: KeeperConfig,
    parts: { readonly guard: Guard; readonly tickets: Tickets; readonly users: Users; readonly scope: string; readonly secure: boolean },
    readers: readonly MoveIn[],
  ) {
    this.#config = config
    this.#guard = parts.guard
    this.#tickets = parts.tickets
    this.#users = parts.users
    this.#scope = parts.scope
    this.#secure = parts.secure
    this.#readers = readers.map((reader) => ({ reader, mark: `${reader.cookieName}=`, count: { moved: 0, replayed: 0, refused: 0 } }))
  }

  get counts(): MoveInCount[] {
    return this.#readers.map(({ reader, count }) => ({ system: reader.system, ...count }))
  }

  /** The session behind an old cookie; without one, `null` at the price of looking for its name. `readOnly`: nothing is moved. */
  async open(head: RequestHead, readOnly: boolean): Promise<Moved | null> {
    const header = head.header('cookie')
    if (header === undefined) return null
    const nowMs = this.#config.clock()
    for (const { reader, mark, count } of this.#readers) {
      if (!header.includes(mark) || (reader.sunsetAt !== null && nowMs > reader.sunsetAt)) continue
      const cookies = oldCookiesOf(header)
      if (cookies.all(reader.cookieName).length === 0) continue
      const place = this.#placeOf(reader, cookies, nowMs)
      if (place === null) {
        count.refused++
        reject(this.#config, 'foreign', null)
        continue
      }
      const moved = await this.#take(place, readOnly)
      count[moved === 'over' ? 'refused' : moved === 'replayed' || moved.token === null ? 'replayed' : 'moved']++
      if (typeof moved !== 'string') return moved
    }
    return null
  }

  #placeOf(reader: MoveIn, cookies: OldCookies, nowMs: number): Place | null {
    const ticket = reader.verify(cookies, nowMs)
    if (ticket === null) return null
    // Not under a key of ours: a claim has to outlive the change of secrets, and what names an old session cannot be guessed.
    const old = `${this.#scope}\n${reader.system}\n${reader.cookieName}\n${ticket.identity}`
    const named = (purpose: string): string => hash('sha256', `coatcheck move-in ${purpose}\n${old}`, 'base64url')
    const [id, claimId] = [named('session').slice(0, 24), named('claim').slice(0, 24)]
    return { reader, cookies, ticket, id, claimId, oldHash: hashOf(named('secret')) }
  }

  async #take(place: Place, readOnly: boolean): Promise<Moved | 'replayed' | 'over'> {
    const there = await loadBase(this.#config, this.#guard, place.id)
    if (there !== null) return this.#admit(place, there)
    const claim = await this.#guard.get(place.claimId)
    if (claim !== null) return this.#await(place, Number(claim.body))
    const old = await this.#guard.run('move-in', async () => place.ticket.load())
    const state = old === null ? null : await this.#stateOf(place, old)
    if (old === null || state === null) {
      reject(this.#config, 'foreign', null)
      return 'over'
    }
    if (readOnly) return { held: { state, expiresAt: Number.MAX_SAFE_INTEGER, version: null, secret: null }, token: null, forget: [] }
    const claimed = await this.#guard.put(this.#claimOf(place, old), null)
    return claimed === null ? this.#await(place, this.#config.clock()) : this.#make(place, old, state)
  }

  #claimOf({ reader, claimId }: Place, { expiresAt }: OldSession): { id: string; body: string; user: null; expiresAt: number } {
    const end = Math.min(expiresAt ?? Number.POSITIVE_INFINITY, reader.sunsetAt ?? Number.POSITIVE_INFINITY)
    const nowMs = this.#config.clock()
    return { id: claimId, body: String(nowMs), user: null, expiresAt: Math.min(end, nowMs + claimLifeMaxMs) }
  }

  async #make(place: Place, old: OldSession, values: State): Promise<Moved | 'over'> {
    const { random, emit, name } = this.#config
    const secret = mintSecret(random)
    const state: State = { ...values, secretHash: hashOf(secret) }
    const held = await this.#store(place, state)
    if (held === null) return 'over'
    emit({ type: 'moved_in', name, id: state.id, user: state.user, system: place.reader.system })
    if (!place.reader.keepOld && old.end !== undefined) {
      // It can open nothing here any more; that its own store is away must not undo the move, and the guard has told.
      await this.#guard.run('move-in end', old.end).catch(() => null)
    }
    return { held, token: this.#tickets.write(state.id, secret), forget: this.#forget(place) }
  }

  /** Writes the new session; `null` when its user may have no more. When that fails, the old cookie has another try. */
  async #store(place: Place, state: State): Promise<Held | null> {
    const row = rowOf(this.#config, state)
    const put = async (): Promise<Saved> => {
      const version = await this.#guard.put(row, null)
      if (version === null) throw new CoatcheckError('store_unavailable', 'the place of a session that moves in was taken')
      return { outcome: 'stored', held: shownBy(place, { state, expiresAt: row.expiresAt, version }), token: null, before: null }
    }
    try {
      const { held } = await (state.user === null ? put() : this.#users.enter(state.user, place.id, put))
      return held
    } catch (error) {
      const { store } = this.#guard
      const there = await loadStored(this.#config, this.#guard, place.id)
      if (there === null) await this.#guard.run('delete', () => store.delete(place.claimId))
      if (error instanceof CoatcheckError && error.code === 'too_many_sessions') return reject(this.#config, 'foreign', null)
      throw error
    }
  }

  /** Somebody has claimed the cookie: its session is on the way, or has come and gone. */
  async #await(place: Place, claimedAt: number): Promise<Moved | 'replayed'> {
    const { clock, timers } = this.#config
    for (const waitMs of waitsMs) {
      const base = await loadBase(this.#config, this.#guard, place.id)
      if (base !== null) return this.#admit(place, base)
      if (!(clock() - claimedAt < makingMsMax)) break
      await new Promise<void>((resolve) => timers.set(resolve, waitMs))
    }
    return this.#replayed(place)
  }

  #admit(place: Place, base: Base): Moved | 'replayed' {
    const { state } = base
    const standing = standingOf(place.oldHash, state, this.#config.clock())
    if ((standing !== 'previous' && standing !== 'overdue') || state.previous?.seen === true) return this.#replayed(place)
    return { held: shownBy(place, base), token: null, forget: this.#forget(place) }
  }

  #replayed({ id }: Place): 'replayed' {
    reject(this.#config, 'moved', id)
    return 'replayed'
  }

  #forget({ reader, cookies }: Place): string[] {
    if (reader.keepOld) return []
    const names = reader.expire?.(cookies) ?? [reader.cookieName]
    const domain = reader.cookieDomain === null ? '' : `; Domain=${reader.cookieDomain}`
    const life = 'Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT'
    return names.map(
      (name) => `${name}=; ${life}; Path=${reader.cookiePath}${domain}${this.#secure ? '; Secure' : ''}; HttpOnly; SameSite=Lax`,
    )
  }

  /** The values as ours, or `null` and an event when they cannot be kept. */
  async #stateOf({ id, oldHash }: Place, { values, user = null }: OldSession): Promise<State | null> {
    const { clock, terms, schema } = this.#config
    const nowMs = clock()
    try {
      if (user !== null) checkUser(user)
      const keys = Object.keys(values)
      const lines = keys.map((key) => encodeValue(key, values[key], terms.limits))
      const previous = { secretHash: oldHash, until: nowMs + defaultGraceMs, seen: false, stranded: null }
      const signedInAt = user === null ? null : nowMs
      const state: State = { ...emptyState(nowMs, schema.version), id, user, signedInAt, previous, values: new Texts(keys, lines) }
      await schema.check(state)
      rowOf(this.#config, state)
      return state
    } catch (error) {
      if (!(error instanceof CoatcheckError)) throw error
      return reject(this.#config, 'unreadable', id)
    }
  }
}

/** What the client has shown is the old cookie, also in the request that makes its ticket: nobody has seen that yet. */
function shownBy({ oldHash }: Place, base: Base): Held {
  return { ...base, secret: { secret: '', secretHash: oldHash, stale: false } }
}
