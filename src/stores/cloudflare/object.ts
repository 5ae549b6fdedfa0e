/**
 * What runs within Cloudflare: an object with a table of its own. Durable Objects run one call at a time, and what a call writes leaves
 * with its answer once it is on disk.
 */
import type { Row, StoredRow } from '../../core/types.ts'
import { versionMint } from '../common/versions.ts'
import { type Column, idsIn, statementsFor } from './statements.ts'

interface SqlStorage {
  exec(sql: string, ...values: Column[]): { toArray(): Record<string, unknown>[]; readonly rowsWritten: number }
}

interface ObjectStorage {
  readonly sql: SqlStorage
  getAlarm(): Promise<number | null>
  setAlarm(atMs: number): Promise<void>
}

const sql = statementsFor('session')

/**
 * The Durable Object that keeps sessions. Export it from your Worker and bind it; `durableObjectStore` does the rest. It drops expired
 * sessions by an alarm.
 *
 * In wrangler.jsonc: `"durable_objects": { "bindings": [{ "name": "SESSIONS", "class_name": "CoatcheckObject" }] }` and
 * `"migrations": [{ "tag": "v1", "new_sqlite_classes": ["CoatcheckObject"] }]`.
 *
 * @example
 * ```ts
 * // In the main module of the Worker:
 * export { CoatcheckObject } from 'coatcheck/cloudflare'
 * ```
 */
export class CoatcheckObject {
  /** Rest between two sweeps, in milliseconds. Default: one hour; a subclass may set another. */
  readonly sweepEveryMs: number = 3_600_000
  readonly #storage: ObjectStorage
  readonly #mint = versionMint()
  #hasTable = false
  #hasAlarm = false

  constructor(state: { readonly storage: ObjectStorage }) {
    this.#storage = state.storage
  }

  /** Answers the calls of `durableObjectStore`: `[operation, …arguments]` as JSON, and `{"coatcheck": answer}` back. */
  async fetch(request: Request): Promise<Response> {
    const [operation, ...args] = (await request.json()) as [string, ...unknown[]]
    const answer = this.#answer(operation, args)
    if (answer === undefined) return new Response('unknown operation', { status: 404 })
    if (operation === 'put') await this.#setAlarm()
    return Response.json({ coatcheck: answer })
  }

  /** Drops what has expired. Called by the platform. */
  async alarm(): Promise<void> {
    const [now, rows] = [Date.now(), 1_000]
    this.#hasAlarm = false
    this.#change(sql.refile, now, rows, now)
    const more = this.#change(sql.drop, now, rows, now) === rows
    const left = this.#all('SELECT key FROM session LIMIT 1').length > 0
    if (left) await this.#setAlarm(more ? 0 : this.sweepEveryMs)
  }

  #answer(operation: string, args: unknown[]): unknown {
    switch (operation) {
      case 'ready':
        return this.#storage.sql.exec('SELECT 1').toArray().length
      case 'get':
        return this.#get(args[0] as string)
      case 'put':
        return this.#put(args[0] as Row, args[1] as string | null)
      case 'delete':
        return this.#change(sql.remove, args[0] as string)
      case 'touch':
        return this.#change(sql.touch, args[1] as number, args[0] as string) === 1
      case 'idsOf':
        return idsIn(this.#all(sql.idsOf, args[0] as string))
      case 'idsAfter':
        return idsIn(this.#all(sql.idsAfter, args[0] as string, args[1] as number))
      default:
        return undefined
    }
  }

  #get(id: string): StoredRow | null {
    const [found] = this.#all(sql.find, id)
    if (found === undefined) return null
    const { body, user, version } = found as unknown as StoredRow
    return { id, body, user, expiresAt: Number(found['expires_at']), version }
  }

  #put({ id, body, user, expiresAt }: Row, expected: string | null): string | null {
    const version = this.#mint()
    if (expected === null) return this.#change(sql.insert, version, expiresAt, body, id, user, expiresAt) === 1 ? version : null
    if (this.#change(sql.update, version, expiresAt, body, id, expected, user, expiresAt) === 1) return version
    return this.#change(sql.rewrite, version, expiresAt, body, user, expiresAt, id, expected) === 1 ? version : null
  }

  /** How many rows a statement changed; what the platform counts includes indexes. */
  #change(text: string, ...values: Column[]): number {
    return this.#all(`${text} RETURNING 1`, ...values).length
  }

  #all(text: string, ...values: Column[]): Record<string, unknown>[] {
    // Not in the constructor: `ready` must be able to say that the class was bound without SQLite.
    if (!this.#hasTable) for (const create of sql.create) this.#storage.sql.exec(create)
    this.#hasTable = true
    return this.#storage.sql.exec(text, ...values).toArray()
  }

  async #setAlarm(inMs = this.sweepEveryMs): Promise<void> {
    if (this.#hasAlarm) return
    if ((await this.#storage.getAlarm()) === null) await this.#storage.setAlarm(Date.now() + inMs)
    this.#hasAlarm = true
  }
}
