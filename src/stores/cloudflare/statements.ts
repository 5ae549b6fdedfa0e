/**
 * One table of sessions in a SQLite of Cloudflare's, laid out as decisions/003-sqlite-layout.md says: `due` is indexed and never after
 * `expires_at`, so that a session in use moves in no index. Here every index that moves is a row more on the bill.
 */
import { CoatcheckError } from '../../core/errors.ts'
import type { Row } from '../../core/types.ts'
import { tooLarge } from '../common/errors.ts'

export type Column = string | number | null

export interface Statements {
  readonly create: readonly string[]
  readonly look: string
  readonly find: string
  /** version, expires_at, body, id, user, due */
  readonly insert: string
  /** version, expires_at, body, id, expected, user, due: for a row whose user stays and whose expiry does not come nearer. */
  readonly update: string
  /** version, expires_at, body, user, due, id, expected: for any row; changes nothing after `update` has. */
  readonly rewrite: string
  readonly remove: string
  /** expires_at, id */
  readonly touch: string
  readonly idsOf: string
  /** id, limit */
  readonly idsAfter: string
  /** now, limit, now: files anew what lived on. */
  readonly refile: string
  /** now, limit, now */
  readonly drop: string
}

/** `table` is a checked name. */
export function statementsFor(table: string): Statements {
  const dueFirst = `SELECT key FROM ${table} WHERE due < ? ORDER BY due LIMIT ?`
  return {
    create: [
      `CREATE TABLE IF NOT EXISTS ${table} (
         key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version TEXT NOT NULL, user TEXT,
         expires_at INTEGER NOT NULL, due INTEGER NOT NULL, body TEXT NOT NULL) STRICT`,
      `CREATE INDEX IF NOT EXISTS ${table}_due ON ${table} (due)`,
      `CREATE INDEX IF NOT EXISTS ${table}_user ON ${table} (user) WHERE user IS NOT NULL`,
    ],
    look: `SELECT key, id, version, user, expires_at, due, body FROM ${table} LIMIT 0`,
    find: `SELECT version, user, expires_at, body FROM ${table} WHERE id = ?`,
    insert: `INSERT INTO ${table} (version, expires_at, body, id, user, due) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    update: `UPDATE ${table} SET version = ?, expires_at = ?, body = ? WHERE id = ? AND version = ? AND user IS ? AND due <= ?`,
    rewrite: `UPDATE ${table} SET version = ?, expires_at = ?, body = ?, user = ?, due = ? WHERE id = ? AND version = ?`,
    remove: `DELETE FROM ${table} WHERE id = ?`,
    touch: `UPDATE ${table} SET expires_at = max(expires_at, ?) WHERE id = ?`,
    idsOf: `SELECT id FROM ${table} WHERE user = ?`,
    idsAfter: `SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT ?`,
    refile: `UPDATE ${table} SET due = expires_at WHERE key IN (${dueFirst}) AND expires_at >= ?`,
    drop: `DELETE FROM ${table} WHERE key IN (${dueFirst}) AND expires_at < ?`,
  }
}

/** https://developers.cloudflare.com/d1/platform/limits/: a row, and a value in it. */
const rowBytesMax = 2_000_000
/** The most that id, version, times and SQLite's own take. */
const otherColumnsBytes = 256

/** Throws for a row that SQLite on Cloudflare does not take, or would not keep as it is: its text is UTF-8. */
export function checkRow(store: string, { id, body, user }: Row): void {
  if (!id.isWellFormed() || !body.isWellFormed() || user?.isWellFormed() === false)
    throw new CoatcheckError('value_invalid', `${store}: id, user and body must be well-formed text; escape lone surrogates`)
  const bytes = Buffer.byteLength(body) + Buffer.byteLength(user ?? '') + otherColumnsBytes
  if (bytes > rowBytesMax) throw tooLarge(store, bytes, rowBytesMax)
}

export function idsIn(rows: readonly Readonly<Record<string, unknown>>[]): string[] {
  return rows.map(({ id }) => String(id))
}
