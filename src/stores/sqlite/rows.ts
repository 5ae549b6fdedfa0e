import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { Row, StoredRow } from '../../core/types.ts'
import { versionMint } from '../common/versions.ts'

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
    this.#find = db.prepare('SELECT version, user, expires_at, body FROM session WHERE id = ?')
    // Plain question marks: Node 22.13 binds nothing to `?1`.
    this.#insert = db.prepare(
      'INSERT INTO session (version, expires_at, body, id, user, due) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
    )
    // SQLite rewrites the index of every column that is set, changed or not. So the rule is to set none that has one …
    this.#update = db.prepare(
      'UPDATE session SET version = ?, expires_at = ?, body = ? WHERE id = ? AND version = ? AND user IS ? AND due <= ?',
    )
    // … and this is for a change of user, or an earlier expiry.
    this.#rewrite = db.prepare('UPDATE session SET version = ?, expires_at = ?, body = ?, user = ?, due = ? WHERE id = ? AND version = ?')
    this.#delete = db.prepare('DELETE FROM session WHERE id = ?')
    this.#touch = db.prepare('UPDATE session SET expires_at = max(expires_at, ?) WHERE id = ?')
    this.#idsOf = db.prepare('SELECT id FROM session WHERE user = ?')
    this.#idsAfter = db.prepare('SELECT id FROM session WHERE id > ? ORDER BY id LIMIT ?')
  }

  find(id: string): StoredRow | null {
    const found = this.#find.get(id)
    if (found === undefined) return null
    return {
      id,
      body: textOf(found['body']),
      user: found['user'] as string | null,
      expiresAt: found['expires_at'] as number,
      version: found['version'] as string,
    }
  }

  put({ id, body, user, expiresAt }: Row, expected: string | null): string | null {
    const version = this.#mint()
    const column = columnOf(body)
    if (expected === null) return this.#insert.run(version, expiresAt, column, id, user, expiresAt).changes === 1 ? version : null
    const updated = this.#update.run(version, expiresAt, column, id, expected, user, expiresAt)
    if (updated.changes === 1) return version
    return this.#rewrite.run(version, expiresAt, column, user, expiresAt, id, expected).changes === 1 ? version : null
  }

  delete(id: string): void {
    this.#delete.run(id)
  }

  touch(id: string, expiresAt: number): boolean {
    return this.#touch.run(expiresAt, id).changes === 1
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
