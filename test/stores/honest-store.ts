import type { Row, SessionStore, StoredRow } from '../../src/core/types.ts'

/** A right store with all methods, in parts that a mutant may replace. */
export class HonestStore {
  readonly guarantees = { compareAndSwap: true, durable: false, mayEvict: false, userIndex: true }
  readonly rows = new Map<string, StoredRow>()
  readonly users = new Map<string, Set<string>>()
  versions = 0
  /** Another handle on the same rows. */
  second: SessionStore = this
  getNow?: (id: string) => StoredRow | null
  /** What a restart does. */
  restart = (): void => {}

  mint(_row: Row): string {
    return `${++this.versions}`
  }

  /** Whether a put on `expected` may go ahead. */
  holds(id: string, expected: string | null): boolean {
    return (this.rows.get(id)?.version ?? null) === expected
  }

  /** What becomes of a row on its way in. */
  column(row: Row): Row {
    return row
  }

  write(given: Row): string {
    const { id, body, user, expiresAt } = this.column(given)
    this.unindex(id)
    const version = this.mint({ id, body, user, expiresAt })
    this.rows.set(id, { id, body, user, expiresAt, version })
    this.index(id, user)
    return version
  }

  index(id: string, user: string | null): void {
    if (user !== null) this.users.set(user, (this.users.get(user) ?? new Set()).add(id))
  }

  unindex(id: string): void {
    this.users.get(this.rows.get(id)?.user ?? '')?.delete(id)
  }

  remove(id: string): void {
    this.unindex(id)
    this.rows.delete(id)
  }

  expired(now: number): string[] {
    return [...this.rows.values()].filter((row) => row.expiresAt < now).map(({ id }) => id)
  }

  async get(id: string): Promise<StoredRow | null> {
    const row = this.rows.get(id)
    return row === undefined ? null : { ...row }
  }

  async put(row: Row, expected: string | null): Promise<string | null> {
    return this.holds(row.id, expected) ? this.write(row) : null
  }

  async delete(id: string): Promise<void> {
    this.remove(id)
  }

  async touch(id: string, expiresAt: number): Promise<boolean> {
    const row = this.rows.get(id)
    if (row !== undefined) this.rows.set(id, { ...row, expiresAt: Math.max(row.expiresAt, expiresAt) })
    return row !== undefined
  }

  async getMany(ids: readonly string[]): Promise<(StoredRow | null)[]> {
    return Promise.all(ids.map((id) => this.get(id)))
  }

  async idsOf(user: string): Promise<string[]> {
    return [...(this.users.get(user) ?? [])]
  }

  async scan(cursor: string | null, limit: number): Promise<{ ids: string[]; cursor: string | null }> {
    const after = [...this.rows.keys()].filter((id) => id > (cursor ?? '')).toSorted()
    const ids = after.slice(0, limit)
    return { ids, cursor: after.length > limit ? (ids.at(-1) ?? null) : null }
  }

  async ready(): Promise<void> {
    await Promise.resolve()
  }

  async sweep(now: number, limit: number): Promise<number> {
    const over = this.expired(now).slice(0, limit)
    for (const id of over) this.remove(id)
    return over.length
  }
}
