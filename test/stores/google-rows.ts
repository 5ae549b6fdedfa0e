/** What the tests of both stores of Google have in common. */
import { randomBytes } from 'node:crypto'
import type { SessionStore, StoredRow } from '../../src/core/types.ts'

export const hourMs = 3_600_000

export function newRow(columns: Partial<StoredRow> = {}): Omit<StoredRow, 'version'> {
  return { id: randomBytes(18).toString('base64url'), body: '{}', user: null, expiresAt: Date.now() + hourMs, ...columns }
}

export async function create(store: SessionStore, columns: Partial<StoredRow> = {}): Promise<StoredRow> {
  const row = newRow(columns)
  const version = await store.put(row, null)
  if (version === null) throw new Error('the place was taken')
  return { ...row, version }
}

/** An error as gRPC makes them. */
export function grpcError(code: number, message: string): Error {
  return Object.assign(new Error(`${code} ${message}`), { code })
}
