import { CoatcheckError } from '../../core/errors.ts'
import type { Row, StoredRow } from '../../core/types.ts'
import type { SessionTable } from '../sql/store.ts'
import type { Step } from '../sql/sweeping.ts'
import type { Run, Statement } from './client.ts'

type Name = 'find' | 'insert' | 'update' | 'remove' | 'touch' | 'idsOf' | 'idsAfter' | 'sweep'

/** The statements of a store on its table. */
export class PostgresTable implements SessionTable {
  readonly #run: Run
  readonly #sql: Record<Name, Statement>

  /** `table` is quoted. */
  constructor(run: Run, table: string) {
    this.#run = run
    this.#sql = statementsOn(table)
  }

  async find(ids: readonly string[]): Promise<StoredRow[]> {
    return ids.length === 0 ? [] : (await this.#run(this.#sql.find, [arrayOf(ids)])).rows.map(rowOf)
  }

  async put({ id, user, body, expiresAt }: Row, version: string, expected: string | null): Promise<boolean> {
    if (body.includes('\0')) throw new CoatcheckError('value_invalid', 'PostgreSQL keeps no zero characters; escape them in the body')
    const columns = [version, user, String(expiresAt), body, id]
    const putting = expected === null ? this.#run(this.#sql.insert, columns) : this.#run(this.#sql.update, [...columns, expected])
    return (await putting).count === 1
  }

  async remove(id: string): Promise<void> {
    await this.#run(this.#sql.remove, [id])
  }

  async touch(id: string, expiresAt: number): Promise<boolean> {
    return (await this.#run(this.#sql.touch, [String(expiresAt), id])).count === 1
  }

  idsOf(user: string): Promise<string[]> {
    return this.#ids(this.#sql.idsOf, [user])
  }

  idsAfter(id: string, limit: number): Promise<string[]> {
    return this.#ids(this.#sql.idsAfter, [id, String(limit)])
  }

  async sweep(now: number, rows: number, dropMax: number): Promise<Step> {
    const [looked, dropped] = (await this.#run(this.#sql.sweep, [now, rows, dropMax].map(String))).rows[0] ?? []
    return { looked: Number(looked), dropped: Number(dropped) }
  }

  async #ids(statement: Statement, values: string[]): Promise<string[]> {
    return (await this.#run(statement, values)).rows.map(([id]) => String(id))
  }
}

function statementsOn(table: string): Record<Name, Statement> {
  return {
    find: { often: true, text: `SELECT id, version, user_id, expires_at, body FROM ${table} WHERE id = ANY ($1::text[])` },
    insert: {
      often: true,
      text: `INSERT INTO ${table} (version, user_id, expires_at, due, body, id) VALUES ($1, $2, $3, $3, $4, $5) ON CONFLICT (id) DO NOTHING`,
    },
    // An indexed column that is set to what it is does not count as changed.
    update: {
      often: true,
      text: `UPDATE ${table} SET version = $1, user_id = $2, expires_at = $3, due = least(due, $3), body = $4 WHERE id = $5 AND version = $6`,
    },
    remove: { often: true, text: `DELETE FROM ${table} WHERE id = $1` },
    touch: { often: true, text: `UPDATE ${table} SET expires_at = greatest(expires_at, $1) WHERE id = $2` },
    idsOf: { text: `SELECT id FROM ${table} WHERE user_id = $1` },
    idsAfter: { text: `SELECT id FROM ${table} WHERE id > $1 ORDER BY id LIMIT $2` },
    // Whoever is at a row right now keeps it alive, or sweeps it himself.
    sweep: {
      text: `WITH looked AS (SELECT id, expires_at FROM ${table} WHERE due < $1 ORDER BY due LIMIT $2 FOR UPDATE SKIP LOCKED),
  refiled AS (UPDATE ${table} AS s SET due = s.expires_at FROM looked WHERE s.id = looked.id AND looked.expires_at >= $1),
  dropped AS (DELETE FROM ${table} AS s USING (SELECT id FROM looked WHERE expires_at < $1 LIMIT $3) AS gone WHERE s.id = gone.id RETURNING 1)
SELECT (SELECT count(*) FROM looked), (SELECT count(*) FROM dropped)`,
    },
  }
}

/** The texts as one array literal. https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function arrayOf(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`).join()}}`
}

function rowOf([id, version, user, expiresAt, body]: readonly unknown[]): StoredRow {
  return {
    id: String(id),
    version: String(version),
    user: user === null ? null : String(user),
    expiresAt: Number(expiresAt),
    body: String(body),
  }
}
