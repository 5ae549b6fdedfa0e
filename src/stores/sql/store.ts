import { CoatcheckError } from '../../core/errors.ts'
import type { Row, SessionStore, StoredRow } from '../../core/types.ts'
import { versionMint } from '../common/versions.ts'
import { type Step, sweepInSteps } from './sweeping.ts'

/** What a database does with the table of sessions; each is one statement. All ids and users it is given are plain text. */
export interface SessionTable {
  /** In any order. */
  find(ids: readonly string[]): Promise<StoredRow[]>
  /** Writes the row where `expected` is, or where nothing is (`null`), and answers whether it did. */
  put(row: Row, version: string, expected: string | null): Promise<boolean>
  remove(id: string): Promise<void>
  touch(id: string, expiresAt: number): Promise<boolean>
  idsOf(user: string): Promise<string[]>
  idsAfter(id: string, limit: number): Promise<string[]>
  /** Looks at so many rows that are due. */
  sweep(now: number, rows: number, dropMax: number): Promise<Step>
}

/** A store on a table. */
export function sqlStore(table: SessionTable): SessionStore {
  const mint = versionMint()

  async function getMany(ids: readonly string[]): Promise<(StoredRow | null)[]> {
    const rows = await table.find(ids.filter(isPlain))
    if (ids.length === 1) return [rows[0] ?? null]
    const found = new Map(rows.map((row) => [row.id, row]))
    return ids.map((id) => found.get(id) ?? null)
  }

  return {
    guarantees: { compareAndSwap: true, durable: true, mayEvict: false, userIndex: true },
    getMany,
    get: async (id) => (await getMany([id]))[0] ?? null,

    async put(row, expected) {
      checkRow(row)
      const version = mint()
      return (await table.put(row, version, expected)) ? version : null
    },

    async delete(id) {
      if (isPlain(id)) await table.remove(id)
    },

    touch: async (id, expiresAt) => isPlain(id) && table.touch(id, expiresAt),
    idsOf: async (user) => (isPlain(user) ? table.idsOf(user) : []),

    async scan(cursor, limit) {
      const from = cursor ?? ''
      if (!isPlain(from)) throw new CoatcheckError('value_invalid', 'this is no cursor of scan')
      const ids = await table.idsAfter(from, limit)
      return { ids, cursor: ids.length < limit ? null : (ids.at(-1) ?? null) }
    },

    sweep: (now, limit) => sweepInSteps(limit, (rows, dropMax) => table.sweep(now, rows, dropMax)),
  }
}

/** Whether a text comes back as it was: UTF-8 has no lone surrogates, and PostgreSQL no zero characters. Nothing else is an id or a user. */
function isPlain(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** Throws `value_invalid` when no table could keep the row as it is. */
function checkRow({ id, user, body, expiresAt }: Row): void {
  if (!isPlain(id) || (user !== null && !isPlain(user))) {
    throw new CoatcheckError('value_invalid', 'an id and a user must be well-formed text without zero characters')
  }
  if (!body.isWellFormed()) throw new CoatcheckError('value_invalid', 'a body must be well-formed text; escape lone surrogates')
  if (!Number.isSafeInteger(expiresAt)) throw new CoatcheckError('value_invalid', 'expiresAt must be whole unix milliseconds')
}
