/** One session inside one visit: opened once, committed once, and after that saving late edits by itself. */
import { emptyState, type State } from '../core/body.ts'
import { isEmpty, noChange, type Change } from '../core/change.ts'
import { CoatcheckError } from '../core/errors.ts'
import type { Held, Saved } from '../core/keeper.ts'
import { reject } from '../core/keeper.ts'
import { Session } from '../core/session.ts'
import type { SessionPort } from '../core/session-port.ts'
import { mintId } from '../core/ticket.ts'
import type { Outcome } from '../core/types.ts'
import { arrive } from './arrival.ts'
import { isSafe } from './csrf.ts'
import type { Moved } from './moving.ts'
import type { Room } from './room.ts'
import type { Sent } from './transport.ts'
import type { RequestHead } from './types.ts'

type Phase = 'open' | 'committing' | 'committed' | 'discarding' | 'reading'

export interface OpenOptions {
  readonly readOnly?: boolean
  readonly csrfToken?: string | undefined
}

interface Found {
  readonly held: Held | null
  readonly presented: boolean
  readonly storeError?: unknown
  readonly moved?: Moved | null
}

const nothingLate: Promise<void> = Promise.resolve()
const nothingSent: Sent = { setCookies: [], headers: [] }

export class Opened implements SessionPort {
  readonly room: Room
  /** The session the handler works with. */
  readonly session: Session
  #held: Held | null
  #phase: Phase
  /** A token that was made by a commit ahead of the last, and has to reach the client whatever happens. */
  #token: string | null = null
  /** What makes the client forget the cookies of the system it came from, once it has a ticket of ours. */
  readonly #forget: readonly string[]
  readonly #presented: boolean
  readonly #head: RequestHead
  readonly #storeError: unknown
  /** What was opened has ended meanwhile; there is nothing to write to, and nothing may take its place but a sign-in. */
  #over = false
  #late = nothingLate
  #scheduled = false
  /** Late saves that are not done. One that failed never is. */
  #unsaved = 0

  private constructor(room: Room, head: RequestHead, phase: Phase, { held, presented, storeError = null, moved = null }: Found) {
    this.room = room
    this.#head = head
    this.#held = held
    this.#phase = phase
    this.#presented = presented
    this.#storeError = storeError
    this.#token = moved?.token ?? null
    this.#forget = moved?.forget ?? nothingSent.setCookies
    const { clock, schema } = room.config
    this.session = new Session(held?.state ?? emptyState(clock(), schema.version), held === null, this)
  }

  /** Opens the session of a request. Throws `csrf_refused` or `store_unavailable`. */
  static async open(room: Room, head: RequestHead, { readOnly = false, csrfToken }: OpenOptions = {}): Promise<Opened> {
    const verdict = room.csrf?.(head) ?? 'allowed'
    if (verdict !== 'allowed') throw refused(room, `from another site (${verdict}); if its sender is yours, list it in csrf.trustedOrigins`)
    const phase = readOnly ? 'reading' : 'open'
    const tokens = room.transport.read(head)
    const shown = tokens === null || tokens.length > 0
    if (!shown && room.moving === null) return new Opened(room, head, phase, { held: null, presented: false })
    try {
      const own = shown ? await room.keeper.open(tokens) : null
      const alone = room.moving === null || (own !== null && room.beside === null)
      const { held, moved } = alone ? { held: own, moved: null } : await arrive(room, head, own, readOnly)
      if (
        held !== null &&
        // Who comes with an old cookie alone has no form of ours yet, but for one whose session is at home here.
        (moved === null || held.secret?.byOldCookie === true) &&
        !isSafe(head.method) &&
        room.csrfTokens?.matches(held.state, csrfToken ?? head.header('x-csrf-token')) === false
      ) {
        throw refused(
          room,
          'without the token of its session; send session.csrfToken as x-csrf-token, or pass it to getSession(request, { csrfToken })',
        )
      }
      return new Opened(room, head, phase, { held, presented: shown || moved !== null, moved })
    } catch (error) {
      const down = error instanceof CoatcheckError && error.code.startsWith('store_')
      if (!down || room.storeDown === 'fail' || readOnly) throw error
      return new Opened(room, head, phase, { held: null, presented: shown, storeError: error })
    }
  }

  /** Saves the edits; answers how it ended and what to send. Rejects when the store failed, and from then on drops everything. */
  async commit(status: number): Promise<{ readonly outcome: Outcome; readonly sent: Sent }> {
    if (this.#phase === 'committing' || this.#phase === 'committed') return { outcome: 'untouched', sent: nothingSent }
    if (status >= 500 || this.#phase === 'discarding') {
      this.#phase = 'discarding'
      return { outcome: 'discarded', sent: this.#send(this.#token) }
    }
    // A change that cannot be kept (value_invalid) drops the others with it.
    this.#phase = 'discarding'
    const { opened } = this.session
    const change = this.session.collect() ?? noChange
    this.#phase = 'committing'
    const saving = this.#save(change, opened)
    this.#late = saving.then(
      () => void (this.#phase = 'committed'),
      () => void (this.#phase = 'discarding'),
    )
    const { outcome, token } = await saving
    const forgets = change.destroy && this.#presented ? 'forget' : null
    return { outcome, sent: this.#send(token ?? this.#token ?? forgets) }
  }

  /** Commits when there is nothing to store, and so nothing to wait for; otherwise answers `false` and has done nothing. */
  commitAtOnce(): boolean {
    if (this.#phase !== 'open' || this.#token !== null || this.session.changed) return false
    if (this.room.keeper.saveNow(this.#held, noChange) === null) return false
    this.#phase = 'committed'
    return true
  }

  /** Whether edits were made after the commit that are not stored yet. */
  get unsettled(): boolean {
    return this.#unsaved > 0 || (this.#phase === 'committed' && !this.#over && this.session.changed)
  }

  /** Resolves when every late edit is stored. */
  settled(): Promise<void> {
    if (this.unsettled && !this.#over) this.#schedule()
    return this.#late
  }

  get terms(): SessionPort['terms'] {
    return this.room.config.terms
  }

  now(): number {
    return this.room.config.clock()
  }

  newId(): string {
    return mintId(this.room.config.random)
  }

  csrfToken(): string | null {
    return this.#held === null ? null : (this.room.csrfTokens?.make(this.#held.state) ?? null)
  }

  mayEdit(session: { readonly isNew: boolean }, needsTicket: boolean): void {
    if (this.#phase === 'open' || this.#phase === 'discarding') return
    if (this.#phase === 'reading')
      throw new CoatcheckError('session_read_only', 'this session was opened for reading; use getSession(request) to change it')
    const inCookie = !this.#over && (this.#held === null || this.#held.version === null)
    if (!needsTicket && !inCookie) return
    const what = needsTicket
      ? 'signing in, rotating and destroying need'
      : session.isNew
        ? 'a new session needs'
        : 'a session kept in its cookie needs'
    throw new CoatcheckError('headers_sent', `${what} a Set-Cookie, and the headers have left; do it before the response begins`)
  }

  edited(): void {
    if (this.#phase === 'committing' || this.#phase === 'committed') this.#schedule()
  }

  async commitNow(change: Change): Promise<State | 'later' | null> {
    await this.#late.catch(() => null) // Whose save that was, `settled` tells it.
    if (this.#over || this.#held === null || this.#held.version === null) return this.#over ? null : 'later'
    const { before, token } = await this.#save(change, null)
    this.#token = token ?? this.#token
    return before
  }

  unreadable(_key: string): void {
    reject(this.room.config, 'unreadable', this.session.opened.id)
  }

  async #save(change: Change, opened: State | null): Promise<Saved> {
    const edited = !isEmpty(change)
    if (this.#storeError !== null && edited) throw this.#storeError
    if (this.#over && change.signIn === null) return { outcome: edited ? 'gone' : 'untouched', held: null, token: null, before: null }
    const held = this.#held
    const newId = held === null && edited ? this.#newId() : ''
    const { beside } = this.room
    // Both may have been signed in to, one by one: who signs out here would be signed in again by the other's cookie.
    if (change.destroy && held?.state.from === null) await beside?.endShown(this.#head)
    const mayRenew = this.#phase === 'open' || this.#phase === 'committing'
    const saved = await this.room.keeper.save(held, change, { opened, newId, mayRenew })
    this.#held = saved.held
    this.#over = held !== null && saved.held === null
    // A token for what has ended would only push a newer one out of the browser.
    if (this.#over) this.#token = null
    // After a take or a flash the handler still looks at what it opened.
    if (opened !== null && saved.held !== null) this.session.rebase(saved.held.state)
    if (beside === null || saved.outcome !== 'stored') return saved
    // Whatever becomes of the other application: what is stored here is.
    this.#token = saved.token ?? this.#token
    await beside.wrote(saved)
    return saved
  }

  #newId(): string {
    return this.#over ? this.newId() : this.session.id
  }

  #send(token: string | null): Sent {
    const { transport, config } = this.room
    if (token === null) return nothingSent
    if (token === 'forget') return this.#withForget(transport.forget())
    const { persistent, absoluteMs } = config.lifetime
    const nowMs = config.clock()
    // A session made on a machine whose clock is ahead has a little more to live than any cookie may.
    const maxAgeMs = persistent && this.#held !== null ? Math.min(absoluteMs, this.#held.state.createdAt + absoluteMs - nowMs) : null
    return this.#withForget(transport.send(token, maxAgeMs, nowMs))
  }

  #withForget(sent: Sent): Sent {
    return this.#forget.length === 0 ? sent : { ...sent, setCookies: [...sent.setCookies, ...this.#forget] }
  }

  // Edits of one tick are saved together. A failure is settled()'s to report; here it must only not go unhandled.
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#unsaved++
    this.#late = this.#late.then(async () => {
      this.#scheduled = false
      if (this.#phase !== 'committed') return void this.#unsaved--
      const { opened } = this.session
      const change = this.session.collect()
      if (change !== null) await this.#save(change, opened)
      this.#unsaved--
    })
    this.#late.catch(() => {})
  }
}

function refused(room: Room, why: string): CoatcheckError {
  reject(room.config, 'csrf', null)
  return new CoatcheckError('csrf_refused', `an unsafe request was refused: it comes ${why}`)
}
