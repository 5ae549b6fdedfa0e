import type { Row, SessionStore, StoredRow } from '../../core/types.ts'

type Operation = 'get' | 'put' | 'delete' | 'touch'

/** A store in memory that counts, and can be slow or away. */
export class RecordingStore implements SessionStore {
  readonly guarantees = { compareAndSwap: true, durable: false, mayEvict: false, userIndex: false }
  readonly rows = new Map<string, StoredRow>()
  readonly calls: Operation[] = []
  /** How long every call takes. */
  delayMs = 0
  /** The operations that fail. */
  away: ReadonlySet<Operation> = new Set()
  #version = 0

  count(operation: Operation): number {
    return this.calls.filter((one) => one === operation).length
  }

  get(id: string): Promise<StoredRow | null> {
    return this.#do('get', () => this.rows.get(id) ?? null)
  }

  put(row: Row, expected: string | null): Promise<string | null> {
    return this.#do('put', () => {
      if ((this.rows.get(row.id)?.version ?? null) !== expected) return null
      const version = String(++this.#version)
      this.rows.set(row.id, { ...row, version })
      return version
    })
  }

  delete(id: string): Promise<void> {
    return this.#do('delete', () => void this.rows.delete(id))
  }

  touch(id: string, expiresAt: number): Promise<boolean> {
    return this.#do('touch', () => {
      const row = this.rows.get(id)
      if (row !== undefined) this.rows.set(id, { ...row, expiresAt: Math.max(row.expiresAt, expiresAt) })
      return row !== undefined
    })
  }

  async #do<Answer>(operation: Operation, run: () => Answer): Promise<Answer> {
    this.calls.push(operation)
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs))
    if (this.away.has(operation)) throw new Error(`the store is away (${operation})`)
    return run()
  }
}
