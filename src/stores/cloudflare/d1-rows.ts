import type { Row, StoredRow } from '../../core/types.ts'
import { versionMint } from '../common/versions.ts'
import { checkRow, type Column, idsIn, type Statements } from './statements.ts'

interface D1Answer {
  readonly results: readonly Readonly<Record<string, unknown>>[]
  readonly meta: { readonly changes: number }
}

interface D1Statement {
  bind(...values: Column[]): D1Statement
  all(): Promise<D1Answer>
}

export interface D1Binding {
  prepare(sql: string): D1Statement
  batch(statements: D1Statement[]): Promise<D1Answer[]>
}

/** Rows that one step of the sweep looks at. */
const sweepRows = 1_000

/** The statements on one table. Each call is one round trip, but for `sweep`; a batch is one transaction. */
export class D1Rows {
  readonly #database: D1Binding
  readonly #sql: Statements
  readonly #mint = versionMint()

  constructor(database: D1Binding, sql: Statements) {
    this.#database = database
    this.#sql = sql
  }

  async find(id: string): Promise<StoredRow | null> {
    const [found] = await this.#read(this.#sql.find, id)
    if (found === undefined) return null
    const { body, user, version } = found as unknown as StoredRow
    return { id, body, user, expiresAt: Number(found['expires_at']), version }
  }

  async put(row: Row, expected: string | null): Promise<string | null> {
    checkRow('d1Store', row)
    const { id, body, user, expiresAt } = row
    const version = this.#mint()
    // Of two statements at most one finds its row.
    const changes =
      expected === null
        ? await this.#change([this.#sql.insert, version, expiresAt, body, id, user, expiresAt])
        : await this.#change(
            [this.#sql.update, version, expiresAt, body, id, expected, user, expiresAt],
            [this.#sql.rewrite, version, expiresAt, body, user, expiresAt, id, expected],
          )
    return changes.includes(1) ? version : null
  }

  async remove(id: string): Promise<void> {
    await this.#change([this.#sql.remove, id])
  }

  async touch(id: string, expiresAt: number): Promise<boolean> {
    return (await this.#change([this.#sql.touch, expiresAt, id])).includes(1)
  }

  async idsOf(user: string): Promise<string[]> {
    return idsIn(await this.#read(this.#sql.idsOf, user))
  }

  async idsAfter(id: string, limit: number): Promise<string[]> {
    return idsIn(await this.#read(this.#sql.idsAfter, id, limit))
  }

  async sweep(now: number, limit: number): Promise<number> {
    let dropped = 0
    for (let looked = 1; looked > 0 && dropped < limit;) {
      const room = Math.min(sweepRows, limit - dropped)
      const [refiled = 0, gone = 0] = await this.#change([this.#sql.refile, now, sweepRows, now], [this.#sql.drop, now, room, now])
      looked = refiled + gone
      dropped += gone
    }
    return dropped
  }

  /** Rejects where the table is not the one the statements are for. */
  async look(): Promise<void> {
    await this.#read(this.#sql.look)
  }

  async create(): Promise<void> {
    await this.#change(...this.#sql.create.map((text): [string] => [text]))
  }

  async #read(text: string, ...values: Column[]): Promise<D1Answer['results']> {
    const { results } = await this.#bound(text, ...values).all()
    return results
  }

  /** How many rows each statement changed. */
  async #change(...statements: [text: string, ...values: Column[]][]): Promise<number[]> {
    const answers = await this.#database.batch(statements.map((one) => this.#bound(...one)))
    return answers.map(({ meta }) => meta.changes)
  }

  #bound(text: string, ...values: Column[]): D1Statement {
    return this.#database.prepare(text).bind(...values)
  }
}
