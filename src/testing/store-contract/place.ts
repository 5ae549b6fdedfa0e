import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Row, SessionStore, StoredRow } from '../../core/types.ts'

/** What the contract is given to work on. */
export interface OpenedStore {
  readonly store: SessionStore
  /** Another handle on the same rows, as a second process would have. */
  readonly second?: SessionStore
  /** Closes `store` and opens the same rows again, as after a restart. */
  reopen?(): Promise<SessionStore>
  /** Closes all that `open` opened. Default: `store.close`, if it has one. */
  close?(): Promise<void>
}

/** What a store or its test may do without. */
export type Optional = 'touch' | 'getMany' | 'idsOf' | 'scan' | 'sweep' | 'ready' | 'second' | 'reopen'

export const hourMs = 3_600_000
/** Lives long enough to be written, touched and read, and is over after a `shortWaitMs` also where TTLs count in whole seconds. */
export const shortMs = 1_200
const shortWaitMs = 2_300

/** One opened store, and the words the rules are written in. */
export class Place {
  readonly #opened: OpenedStore
  #store: SessionStore
  readonly rowBytesMax: number

  constructor(opened: OpenedStore, rowBytesMax: number) {
    this.#opened = opened
    this.#store = opened.store
    this.rowBytesMax = rowBytesMax
  }

  get store(): SessionStore {
    return this.#store
  }

  /** An optional method, or a failure that says what to do about its absence. */
  method<Name extends Exclude<Optional, 'second' | 'reopen'>>(name: Name): NonNullable<SessionStore[Name]> {
    const method = this.#store[name]
    assert.ok(method !== undefined, missing(name))
    return method.bind(this.#store) as NonNullable<SessionStore[Name]>
  }

  get second(): SessionStore {
    const { second } = this.#opened
    assert.ok(second !== undefined, missing('second'))
    return second
  }

  async reopen(): Promise<void> {
    assert.ok(this.#opened.reopen !== undefined, missing('reopen'))
    this.#store = await this.#opened.reopen()
  }

  has(name: Optional): boolean {
    return name === 'second' || name === 'reopen' ? this.#opened[name] !== undefined : this.#store[name] !== undefined
  }

  async close(): Promise<void> {
    await (this.#opened.close === undefined ? this.#store.close?.() : this.#opened.close())
  }

  /** A row nobody has seen yet, good for an hour. */
  row(columns: Partial<Row> = {}): Row {
    return { id: newId(), body: '{"n":1}', user: null, expiresAt: Date.now() + hourMs, ...columns }
  }

  /** A user nobody has seen yet. */
  user(): string {
    return `user-${newId()}`
  }

  async create(columns: Partial<Row> = {}): Promise<StoredRow> {
    const row = this.row(columns)
    return { ...row, version: await this.put(row, null) }
  }

  /** A put that must succeed. */
  async put(row: Row, expected: string | null): Promise<string> {
    const version = await this.store.put(row, expected)
    assert.ok(typeof version === 'string' && version !== '', `put must answer the new version, not ${String(version)}`)
    return version
  }

  /** A put that must not. */
  async refused(row: Row, expected: string | null, why: string): Promise<void> {
    assert.equal(await this.store.put(row, expected), null, why)
  }

  /** `get`, which `getNow` must agree with. */
  async get(id: string): Promise<StoredRow | null> {
    const row = await this.store.get(id)
    if (this.store.getNow !== undefined)
      assert.deepEqual({ ...this.store.getNow(id) }, { ...row }, 'getNow answers something else than get')
    return row
  }

  async isGone(id: string, why: string): Promise<void> {
    assert.equal(await this.get(id), null, why)
  }

  /** The row is there, every column as expected. */
  async holds({ id, body, user, expiresAt, version }: StoredRow, why: string): Promise<void> {
    const found = await this.get(id)
    assert.ok(found !== null, `${why}: the row is gone`)
    assert.deepEqual({ ...found }, { id, body, user, expiresAt, version }, why)
  }

  /** Past the end of a row that was to live for `shortMs`. */
  async shortWait(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, shortWaitMs))
  }
}

export function newId(): string {
  return randomBytes(18).toString('base64url')
}

function missing(name: Optional): string {
  const what = name === 'second' || name === 'reopen' ? '`open` gives no' : 'the store has no'
  return `${what} \`${name}\`; add it, or say why not: lacks: [{ rule: '${name}', reason: '…' }]`
}
