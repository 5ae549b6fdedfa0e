import type { Flash, State } from './body.ts'
import { noChange, type Change } from './change.ts'
import { durationMs, type Duration } from './duration.ts'
import { Edits } from './edits.ts'
import { CoatcheckError } from './errors.ts'
import type { SessionPort, SetOptions } from './session-port.ts'
import { checkUser } from './users.ts'
import { readValue } from './values.ts'

type Key<Data> = Extract<keyof Data, string>

/**
 * One visitor's session: a `Map` in memory that records what a request changes. Nothing is stored before the visit commits, which
 * the adapter does before the first header byte; then the edits are replayed on the newest row, so parallel requests lose nothing.
 *
 * Values: what JSON can say, and Date, Map, Set, BigInt, Uint8Array, NaN, undefined.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 *
 * const sessions = createSessions<{ visits: number; cart: string[] }>({ secret: crypto.randomUUID(), store: memoryStore() })
 * const visit = sessions.visit({ method: 'GET', header: () => undefined })
 * const session = await visit.session()
 * session.set('cart', ['hat']).get('cart')?.push('coat') // changed in place: noticed
 * session.update('visits', (n) => (n ?? 0) + 1) // runs again if another request was faster
 * await visit.commit()
 * await sessions.close()
 * ```
 */
export class Session<Data extends object = Record<string, unknown>> {
  readonly #edits: Edits
  readonly #port: SessionPort
  #rest: Pick<Change, 'signIn' | 'rotateGraceMs' | 'flashes' | 'flashesTaken'> = noChange
  #ended = false
  /** Whether no stored session was found for this request. */
  readonly isNew: boolean

  /** @internal */
  constructor(state: State, isNew: boolean, port: SessionPort) {
    this.#port = port
    this.isNew = isNew
    this.#edits = new Edits(state, port)
  }

  /** The public handle: stays the same for the life of the session, safe to log and to list devices by. Opens nothing. */
  get id(): string {
    if (this.opened.id === '') this.#edits.state = { ...this.opened, id: this.#port.newId() }
    return this.opened.id
  }

  /** Who is signed in, or `null`. */
  get user(): string | null {
    return this.#ended ? null : (this.#rest.signIn?.user ?? this.opened.user)
  }

  /** When it signed in, in unix milliseconds. `null`: nobody has, or it moved in signed in, and nobody knows when. Reading never moves it. */
  get signedInAt(): number | null {
    return this.#rest.signIn === null ? this.opened.signedInAt : this.#port.now()
  }

  /** With `csrf: { token: true }`: the token for a form, new at each call; `null` while nothing is stored. Dies with the secret. */
  get csrfToken(): string | null {
    return this.#port.csrfToken()
  }

  /** How many values it holds. */
  get size(): number {
    return this.keys().length
  }

  /** The value, or `undefined`. An object may be changed in place: it is compared at commit. */
  get<K extends Key<Data>>(key: K): Data[K] | undefined {
    return this.#ended ? undefined : (this.#edits.get(key) as Data[K] | undefined)
  }

  /** Whether the key has a value, `null` and `undefined` included. */
  has(key: Key<Data>): boolean {
    return !this.#ended && this.#edits.has(key)
  }

  /** Sets a value. If another request changed the same key meanwhile, `onConflict` decides (default: this one wins, and an event says so). */
  set<K extends Key<Data>>(key: K, value: Data[K], options?: SetOptions): this {
    this.#mayEdit()
    const ttl = options !== undefined && Object.hasOwn(options, 'ttl') ? options.ttl : undefined
    this.#edits.set(key, value, ttl === undefined ? null : this.#port.now() + durationMs('ttl', ttl))
    this.#port.edited()
    return this
  }

  /** Removes a value; says whether there was one. */
  delete(key: Key<Data>): boolean {
    this.#mayEdit()
    const had = this.#edits.delete(key)
    if (had) this.#port.edited()
    return had
  }

  /** Removes every value. Identity, user and lifetime stay. */
  clear(): void {
    this.#mayEdit()
    this.#edits.clear()
    this.#port.edited()
  }

  /**
   * Computes a value from the one before, and again if another request was faster: nothing is lost. `fn` must be synchronous and
   * have no side effects. Answers the new value as seen here.
   */
  update<K extends Key<Data>>(key: K, fn: (value: Data[K] | undefined) => Data[K]): Data[K] {
    this.#mayEdit()
    const value = this.#edits.update(key, fn as (value: unknown) => unknown)
    this.#port.edited()
    return value as Data[K]
  }

  /** Reads a value and removes it, once: of parallel requests exactly one gets it. For OAuth state, one-time codes. */
  async take<K extends Key<Data>>(key: K): Promise<Data[K] | undefined> {
    this.#mayEdit()
    if (!this.has(key)) return undefined
    const mine = this.#edits.get(key) as Data[K]
    const change: Change = { ...noChange, keys: new Map([[key, { kind: 'delete' }]]) }
    const before = this.#edits.stands(key) ? await this.#port.commitNow(change) : 'later'
    if (before === 'later') {
      this.#edits.delete(key)
      return mine
    }
    this.#edits.forget(key)
    return readValue(before?.values.get(key)) as Data[K] | undefined
  }

  /** Leaves a message for the next page. */
  flash(message: string, level = 'info'): void {
    this.#mayEdit()
    this.#rest = { ...this.#rest, flashes: [...this.#rest.flashes, { message: String(message), level: String(level) }] }
    this.#port.edited()
  }

  /** The messages left so far, each exactly once, also to parallel readers. */
  async flashes(): Promise<Flash[]> {
    const mine = [...this.#rest.flashes]
    const { flashes } = this.opened
    if (this.#ended || (flashes.length === 0 && mine.length === 0)) return []
    this.#mayEdit()
    this.#rest = { ...this.#rest, flashes: [] }
    if (flashes.length === 0) return mine
    this.#edits.state = { ...this.opened, flashes: [] }
    const before = await this.#port.commitNow({ ...noChange, flashesTaken: true })
    if (before === 'later') this.#rest = { ...this.#rest, flashesTaken: true }
    return [...(before === 'later' ? flashes : (before?.flashes ?? [])), ...mine]
  }

  /**
   * Makes this the session of `user`: a new secret; the one before opens nothing from then on. An anonymous visitor's values are
   * kept (`keep: false` drops them, `keep: ['cart']` keeps some); another user's never are.
   */
  signIn(user: string, options: { readonly keep?: boolean | readonly string[] } = {}): void {
    checkUser(user)
    this.#mayEdit(true)
    const keep = Object.hasOwn(options, 'keep') ? (options.keep ?? true) : true
    const before = this.user
    const kept = before === null ? keep : before === user
    this.#edits.keep(kept)
    this.#rest = { ...this.#rest, signIn: { user, keep }, flashes: kept === false ? [] : this.#rest.flashes }
    this.#port.edited()
  }

  /**
   * Gives the client a new secret; do it whenever rights change. The one before works for `grace` (default 30 s), for requests
   * under way, and until the new one has been seen: a lost response locks nobody out.
   */
  rotate(options: { readonly grace?: Duration } = {}): void {
    this.#mayEdit(true)
    this.#rest = { ...this.#rest, rotateGraceMs: durationMs('grace', Object.hasOwn(options, 'grace') ? options.grace : '30s') }
    this.#port.edited()
  }

  /** Ends the session everywhere, for requests under way too, and makes the client forget it. Further edits throw `session_ended`. */
  destroy(): void {
    this.#mayEdit(true)
    this.#ended = true
    this.#port.edited()
  }

  /** The keys, in the order they were first stored. */
  keys(): Key<Data>[] {
    return this.#ended ? [] : (this.#edits.keys() as Key<Data>[])
  }

  /** The values, in the order of {@link keys}. */
  values(): Data[Key<Data>][] {
    return this.keys().map((key) => this.get(key) as Data[Key<Data>])
  }

  /** `[key, value]` pairs, in the order of {@link keys}. */
  entries(): [Key<Data>, Data[Key<Data>]][] {
    return this.keys().map((key) => [key, this.get(key) as Data[Key<Data>]])
  }

  forEach(run: (value: Data[Key<Data>], key: Key<Data>, session: this) => void): void {
    for (const [key, value] of this.entries()) run(value, key, this)
  }

  [Symbol.iterator](): IterableIterator<[Key<Data>, Data[Key<Data>]]> {
    return this.entries()[Symbol.iterator]()
  }

  /** A session in JSON is its values: no id, no secret. */
  toJSON(): Record<string, unknown> {
    return Object.fromEntries(this.entries())
  }

  /** Whether there is something to collect. @internal */
  get changed(): boolean {
    return this.#ended || this.#rest !== noChange || this.#edits.changed
  }

  /** What there is to commit, or `null`; later edits are the next commit's. @internal */
  collect(): Change | null {
    if (this.#ended) return { ...noChange, destroy: true }
    const rest = this.#rest
    const edited = this.#edits.collect()
    if (rest === noChange) return edited === null ? null : { ...noChange, ...edited }
    this.#rest = noChange
    const flashes = [...this.opened.flashes, ...rest.flashes]
    this.#edits.state = { ...this.opened, flashes, user: rest.signIn?.user ?? this.opened.user }
    return { ...noChange, ...rest, ...edited }
  }

  /** Goes on with what a commit has stored. @internal */
  rebase(state: State): void {
    this.#edits.rebase(state)
  }

  /** What the edits stand on. @internal */
  get opened(): State {
    return this.#edits.state
  }

  #mayEdit(needsTicket = false): void {
    if (this.#ended) throw new CoatcheckError('session_ended', 'this session was destroyed in this request; it takes no more changes')
    this.#port.mayEdit(this, needsTicket)
  }
}
