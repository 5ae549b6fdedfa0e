/** Rows for the tests of single stores. */
import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import type { Row } from '../../src/core/types.ts'

export const hourMs = 3_600_000

export function newId(): string {
  return randomBytes(18).toString('base64url')
}

/** A row nobody has seen yet, good for an hour. */
export function rowFor(columns: Partial<Row> = {}): Row {
  return { id: newId(), body: '{"n":1}', user: null, expiresAt: Date.now() + hourMs, ...columns }
}

/** An error with this code. */
export function refusing(code: string): unknown {
  return expect.objectContaining({ code })
}
