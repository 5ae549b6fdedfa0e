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
import { CoatcheckError } from '../core/errors.ts'
import type { Guard } from '../core/guard.ts'
import { reject, type Held, type KeeperConfig } from '../core/keeper.ts'
import { standingOf } from '../core/rights.ts'
import { loadBase, loadStored, type Base } from '../core/rows.ts'
import type { Tickets } from '../core/ticket.ts'
import { defaultGraceMs } from '../core/turns.ts'
import type { MoveIn, MoveInCount, MoveInPage, MoveInPageOptions, MoveInRefusal, MoveInWhy, OldCookies, OldSession } from './move-in.ts'
import type { MovedRows, Place } from './moved-rows.ts'
import { namesOf, oldCookiesOf } from './old-cookies.ts'
import type { SideBySide } from './side-by-side.ts'
import type { RequestHead } from './types.ts'

/** A session that was opened by an old cookie. */
export interface Moved {
  readonly held: Held
  /** The ticket of a session made just now; `null` for one that another request has made. */
  readonly token: string | null
  /** Set-Cookie values that make the client forget the old cookies, to be sent with a ticket. */
  readonly forget: readonly string[]
}

/** What moving needs of its room. */
export interface MovingParts {
  readonly guard: Guard
  readonly tickets: Tickets
  readonly rows: MovedRows
  /** For readers with `dualWrite`; `null`: there are none. */
  readonly beside: SideBySide | null
  readonly secure: boolean
}

interface Reader {
  readonly reader: MoveIn
  /** The names it is registered for, each with its equals sign: a header without them has none of its cookies. */
  readonly marks: readonly string[]
  readonly count: Record<'moved' | 'replayed' | 'refused', number>
}

/**
 * How long a request waits for the session that another one is making of the same cookie: as long as that may take, and longer than a cache
 * before the store (`tieredStore`) goes on saying that there is none.
 */
const waitsMs = [1, 2, 5, 10, 20, 50, 100, 200, 400, 600, 800]
const makingMsMax = 2_000
/** Of a page in bulk: enough to hide the way to the stores, few enough to be answered well within the deadline. */
const movedAtOnceMax = 16

export class Moving {
  readonly #config: KeeperConfig
  readonly #guard: Guard
  readonly #tickets: Tickets
  readonly #rows: MovedRows
  readonly #beside: SideBySide | null
  readonly #secure: boolean
  readonly #readers: readonly Reader[]

  constructor(config: KeeperConfig, { guard, tickets, rows, beside, secure }: MovingParts, readers: readonly MoveIn[]) {
    this.#config = config
    this.#guard = guard
    this.#tickets = tickets
    this.#rows = rows
    this.#beside = beside
    this.#secure = secure
    this.#readers = readers.map((reader) => ({ reader, marks: marksOf(reader), count: { moved: 0, replayed: 0, refused: 0 } }))
  }

  get counts(): MoveInCount[] {
    return this.#readers.map(({ reader, count }) => ({ system: reader.system, ...count }))
  }

  /**
   * The session behind an old cookie; without one, `null` at the price of looking for its name. `readOnly`: nothing is moved. `usersOnly`: for
   * a visitor who has an anonymous session here, only one that somebody is signed in to, where both applications run.
   */
  async open(head: RequestHead, readOnly: boolean, usersOnly = false): Promise<Moved | null> {
    const header = head.header('cookie')
    if (header === undefined) return null
    const nowMs = this.#config.clock()
    for (const { reader, marks, count } of this.#readers) {
      if (!marks.some((mark) => header.includes(mark)) || (reader.sunsetAt !== null && nowMs > reader.sunsetAt)) continue
      const cookies = oldCookiesOf(header)
      if ((usersOnly && reader.dualWrite === undefined) || namesOf(reader).every((name) => cookies.all(name).length === 0)) continue
      const ticket = reader.verify(cookies, nowMs)
      if (ticket === null && usersOnly) continue
      if (ticket === null) {
        count.refused++
        reject(this.#config, 'foreign', null)
        continue
      }
      const place = this.#rows.placeOf(reader, ticket)
      const beside = reader.dualWrite === undefined ? 'alone' : await this.#beside?.take(place, { readOnly, usersOnly })
      if (usersOnly && (typeof beside !== 'object' || beside === null)) continue
      const moved = beside === 'alone' ? await this.#take(place, cookies, readOnly) : (beside ?? this.#over())
      count[moved === 'over' ? 'refused' : moved === 'replayed' || moved.token === null ? 'replayed' : 'moved']++
      if (typeof moved !== 'string') return moved
    }
    return null
  }

  /**
   * Moves a page of an old store. Nobody has a ticket for these: to each the old cookie is overdue, so whoever brings it is given one.
   * The old store stays as it is.
   */
  async page(system: string, { cursor = null, limit = 100, dryRun = false }: MoveInPageOptions): Promise<MoveInPage> {
    const found = this.#readers.find(({ reader }) => reader.system === system)
    const walk = found?.reader.walk
    if (found === undefined || walk === undefined) {
      const why = `moveIn has no reader for ${system} that can walk its store; its visitors move as they arrive`
      throw new CoatcheckError('unsupported', why)
    }
    // For a bar only: who may read and not count moves all the same.
    const total = cursor === null ? await found.reader.count?.().catch(() => undefined) : undefined
    const page = await walk.call(found.reader, cursor, limit)
    const refusals: MoveInRefusal[] = []
    const done = { moved: 0, known: 0 }
    await inLanes(page.tickets, async (ticket) => {
      const answer = await this.#moveStored(this.#rows.placeOf(found.reader, ticket), dryRun)
      if (answer === 'moved' || answer === 'known') done[answer]++
      else refusals.push({ identity: hash('sha256', ticket.identity, 'hex'), why: answer })
    })
    found.count.moved += dryRun ? 0 : done.moved
    return { cursor: page.cursor, ...done, refused: refusals.length, refusals, ...(total === undefined ? {} : { total }) }
  }

  async #moveStored(place: Place, dryRun: boolean): Promise<'moved' | 'known' | MoveInWhy> {
    const there = await loadStored(this.#config, this.#guard, place.id)
    if (there !== null || (await this.#rows.claimedAt(place)) !== null) return 'known'
    let why: MoveInWhy = 'over'
    const because = (said: MoveInWhy): void => void (why = said)
    let old: OldSession | null
    try {
      old = await place.ticket.load(because)
    } catch (error) {
      // The application's own fault with one session must not keep all others; that of the old store would be with each of them.
      if ((why as MoveInWhy) !== 'map_failed') throw error
      return why
    }
    const state = old === null ? null : await this.#rows.stateOf(place, old, 0, because)
    if (old === null || state === null) return why
    if (dryRun) return 'moved'
    if (!(await this.#rows.claim(place, old))) return 'known'
    const made = await this.#rows.make(place, state, old.expiresAt ?? Number.POSITIVE_INFINITY)
    return made === null ? 'too_many_sessions' : 'moved'
  }

  async #take(place: Place, cookies: OldCookies, readOnly: boolean): Promise<Moved | 'replayed' | 'over'> {
    const there = await loadBase(this.#config, this.#guard, place.id)
    if (there !== null) return this.#admit(place, cookies, there)
    const claimedAt = await this.#rows.claimedAt(place)
    if (claimedAt !== null) return this.#await(place, cookies, claimedAt)
    const { reader, ticket } = place
    const nowMs = this.#config.clock()
    const old = await this.#guard.run('move-in', async () => ticket.load())
    const state = old === null ? null : await this.#rows.stateOf(place, old, nowMs + defaultGraceMs)
    if (old === null || state === null) return this.#over()
    if (readOnly) return { held: { state, expiresAt: Number.MAX_SAFE_INTEGER, version: null, secret: null }, token: null, forget: [] }
    if (!(await this.#rows.claim(place, old))) return this.#await(place, cookies, nowMs)
    const made = await this.#rows.make(place, state)
    if (made === null) return this.#over()
    if (!reader.keepOld && old.end !== undefined) {
      // It can open nothing here any more; that its own store is away must not undo the move, and the guard has told.
      await this.#guard.run('move-in end', old.end).catch(() => null)
    }
    return { ...this.#moved(place, cookies, made), token: this.#tickets.write(place.id, made.secret) }
  }

  /** Somebody has claimed the cookie: its session is on the way, or has come and gone. */
  async #await(place: Place, cookies: OldCookies, claimedAt: number): Promise<Moved | 'replayed'> {
    const { clock, timers } = this.#config
    for (const waitMs of waitsMs) {
      const base = await loadBase(this.#config, this.#guard, place.id)
      if (base !== null) return this.#admit(place, cookies, base)
      if (!(clock() - claimedAt < makingMsMax)) break
      await new Promise<void>((resolve) => timers.set(resolve, waitMs))
    }
    return this.#replayed(place)
  }

  #admit(place: Place, cookies: OldCookies, base: Base): Moved | 'replayed' {
    const { state } = base
    // Two strangers with the same data have the same cookie: what one does with it is not the other's to see.
    if (place.ticket.shared === true && state.user === null) return this.#replayed(place)
    const standing = standingOf(place.oldHash, state, this.#config.clock())
    if ((standing !== 'previous' && standing !== 'overdue') || state.previous?.seen === true) return this.#replayed(place)
    return this.#moved(place, cookies, base)
  }

  /** What the client has shown is the old cookie, also in the request that makes its ticket: nobody has seen that yet. */
  #moved({ reader, oldHash }: Place, cookies: OldCookies, { state, expiresAt, version }: Base): Moved {
    const held = { state, expiresAt, version, secret: { secret: '', secretHash: oldHash, stale: false } }
    return { held, token: null, forget: reader.keepOld ? [] : this.#forget(reader, cookies) }
  }

  #forget(reader: MoveIn, cookies: OldCookies): string[] {
    const names = reader.expire?.(cookies) ?? [reader.cookieName]
    const domain = reader.cookieDomain === null ? '' : `; Domain=${reader.cookieDomain}`
    const attributes = `Path=${reader.cookiePath}${domain}${this.#secure ? '; Secure' : ''}; HttpOnly; SameSite=Lax`
    return names.map((name) => `${name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; ${attributes}`)
  }

  #over(): 'over' {
    reject(this.#config, 'foreign', null)
    return 'over'
  }

  #replayed({ id }: Place): 'replayed' {
    reject(this.#config, 'moved', id)
    return 'replayed'
  }
}

function marksOf(reader: MoveIn): readonly string[] {
  return namesOf(reader).map((name) => `${name}=`)
}

/** Does the work for all, some at a time. After a failure none is begun, and those under way are waited for. */
async function inLanes<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < all.length) {
      try {
        await work(all[next++] as T)
      } catch (error) {
        next = all.length
        throw error
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: movedAtOnceMax }, lane))
  const failed = ended.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
