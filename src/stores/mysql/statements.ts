import type { StoredRow } from '../../core/types.ts'

export interface Statements {
  readonly find: (count: number) => string
  readonly insert: string
  readonly update: string
  readonly remove: string
  readonly touch: string
  readonly isThere: string
  readonly idsOf: string
  readonly idsAfter: (limit: number) => string
  readonly due: (rows: number) => string
  readonly refile: (count: number) => string
  readonly drop: (count: number) => string
}

/** All a store says to its table, but for looking at it. Counts are part of the text: not every server takes them as parameters. */
export function statementsOn(name: string): Statements {
  const table = `\`${name}\``
  return {
    find: (count) => `SELECT id, version, user_id, expires_at, body FROM ${table} WHERE id IN (${marks(count)})`,
    insert: `INSERT INTO ${table} (version, user_id, expires_at, due, body, id) VALUES (?, ?, ?, ?, ?, ?)`,
    // InnoDB writes an index only where its column changes.
    update: `UPDATE ${table} SET version = ?, user_id = ?, expires_at = ?, due = least(due, ?), body = ? WHERE id = ? AND version = ?`,
    remove: `DELETE FROM ${table} WHERE id = ?`,
    touch: `UPDATE ${table} SET expires_at = greatest(expires_at, ?) WHERE id = ?`,
    isThere: `SELECT 1 FROM ${table} WHERE id = ?`,
    idsOf: `SELECT id FROM ${table} WHERE user_id = ?`,
    idsAfter: (limit) => `SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT ${limit}`,
    due: (rows) => `SELECT id, expires_at FROM ${table} WHERE due < ? ORDER BY due LIMIT ${rows} FOR UPDATE SKIP LOCKED`,
    refile: (count) => `UPDATE ${table} SET due = expires_at WHERE id IN (${marks(count)})`,
    drop: (count) => `DELETE FROM ${table} WHERE expires_at < ? AND id IN (${marks(count)})`,
  }
}

function marks(count: number): string {
  return '?, '.repeat(count).slice(0, -2)
}

/** The list with its last one repeated up to a power of two: a dozen statements do for all lengths. */
export function padded<T>(list: readonly T[]): T[] {
  const length = 2 ** Math.ceil(Math.log2(list.length))
  return [...list, ...Array.from({ length: length - list.length }, () => list.at(-1) as T)]
}

/** Text as it lies in the table, whatever charset the connection has. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text)
}

/** A column of bytes as text. */
export function textOf(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString() : String(value)
}

export function rowOf([id, version, user, expiresAt, body]: readonly unknown[]): StoredRow {
  return {
    id: textOf(id),
    version: textOf(version),
    user: user === null ? null : textOf(user),
    expiresAt: Number(expiresAt),
    body: textOf(body),
  }
}
