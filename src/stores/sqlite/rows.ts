import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { Row, StoredRow } from '../../core/types.ts'
import { versionMint } from '../common/versions.ts'
import { checksumOf, type Columns, isWhole } from './checksum.ts'

/** The body of a row that the disk has changed. Opens no session, and does not make room for another. */
const damaged = 'damaged'

/** The statements on one table. Each call is one statement, at most two; none opens a transaction. */
export class Rows {
  readonly #find
  readonly #insert
  readonly #update
  readonly #rewrite
  readonly #delete
  readonly #touch
  readonly #idsOf
  readonly #idsAfter
  readonly #mint = versionMint()

  constructor(db: DatabaseSync) {
    this.#find = db.prepare('SELECT version, user, expires_at, body, checksum FROM session WHERE id = ?')
    // Plain question marks: Node 22.13 binds nothing to `?1`.
    this.#insert = db.prepare(
      'INSERT INTO session (version, expires_at, body, checksum, id, user, due) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
    )
    // SQLite rewrites the index of every column that is set, changed or not. So the rule is to set none that has one …
    this.#update = db.prepare(
      'UPDATE session SET version = ?, expires_at = ?, body = ?, checksum = ? WHERE id = ? AND version = ? AND user IS ? AND due <= ?',
    )
    // … and this is for a change of user, or an earlier expiry.
    this.#rewrite = db.prepare(
      'UPDATE session SET version = ?, expires_at = ?, body = ?, checksum = ?, user = ?, due = ? WHERE id = ? AND version = ?',
    )
    this.#delete = db.prepare('DELETE FROM session WHERE id = ?')
    this.#touch = db.prepare('UPDATE session SET expires_at = ?, checksum = ? WHERE id = ?')
    this.#idsOf = db.prepare('SELECT id FROM session WHERE user = ?')
    this.#idsAfter = db.prepare('SELECT id FROM session WHERE id > ? ORDER BY id LIMIT ?')
  }

  find(id: string): StoredRow | null {
    const found = this.#find.get(id)
    if (found === undefined) return null
    const [version, expiresAt] = [found['version'] as string, found['expires_at'] as number]
    if (!isWhole(id, found)) return { id, body: damaged, user: null, expiresAt, version }
    return { id, body: textOf(found['body']), user: found['user'] as string | null, expiresAt, version }
  }

  put({ id, body, user, expiresAt }: Row, expected: string | null): string | null {
    const version = this.#mint()
    const column = columnOf(body)
    const checksum = checksumOf(id, version, user, expiresAt, column)
    if (expected === null) {
      return this.#insert.run(version, expiresAt, column, checksum, id, user, expiresAt).changes === 1 ? version : null
    }
    const updated = this.#update.run(version, expiresAt, column, checksum, id, expected, user, expiresAt)
    if (updated.changes === 1) return version
    return this.#rewrite.run(version, expiresAt, column, checksum, user, expiresAt, id, expected).changes === 1 ? version : null
  }

  delete(id: string): void {
    this.#delete.run(id)
  }

  touch(id: string, expiresAt: number): boolean {
    const found = this.#find.get(id)
    // Touched, a row that was changed would be whole again.
    if (found === undefined || !isWhole(id, found)) return false
    const { version, user, body, expires_at: before } = found as unknown as Columns
    if (before < expiresAt) this.#touch.run(expiresAt, checksumOf(id, version, user, expiresAt, body), id)
    return true
  }

  idsOf(user: string): string[] {
    return this.#idsOf.all(user).map(({ id }) => id as string)
  }

  idsAfter(id: string, limit: number): string[] {
    return this.#idsAfter.all(id, limit).map(({ id }) => id as string)
  }
}

/** Whether a TEXT column gives back what it was given: UTF-8 has no lone surrogates, and Node 22 reads up to the first zero. */
export function isPlain(text: string): boolean {
  return !text.includes('\0') && !/\p{Surrogate}/u.test(text)
}

function columnOf(text: string): string | Uint8Array {
  return isPlain(text) ? text : Buffer.from(text, 'utf16le')
}

function textOf(column: SQLOutputValue | undefined): string {
  return typeof column === 'string' ? column : Buffer.from(column as Uint8Array).toString('utf16le')
}
