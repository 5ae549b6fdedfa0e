import { CoatcheckError } from '../../core/errors.ts'

// https://www.sqlite.org/rescode.html
const busy = 5
const locked = 6
const full = 13

const reasons: Readonly<Record<number, string>> = {
  [busy]: 'another process held the write lock for too long; raise busyMs if that is to be expected',
  [locked]: 'the table is locked',
  8: 'the file is read-only; let this process write it and its folder',
  10: 'the disk reports an error',
  11: 'the file is damaged; restore it from a backup, or move it away',
  [full]: 'the disk is full; make room, until then sessions can only be read and ended',
  14: 'the file cannot be opened',
  26: 'the file is not a SQLite database',
}

/** No such table or column; read-only; cannot be opened; not a database. */
const wrongFile = new Set([1, 8, 14, 26])

/** Whether somebody else is writing, so that trying again helps. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error)
  return code === busy || code === locked
}

export function isFull(error: unknown): boolean {
  return resultCode(error) === full
}

/** What SQLite would say, had it been asked. */
export function diskIsFull(): Error {
  return Object.assign(new Error('database or disk is full'), { errcode: full })
}

/** Whether it is not a file of ours, or not one that may be written: nothing that passes. */
export function isWrongFile(error: unknown): boolean {
  return wrongFile.has(resultCode(error) ?? 0)
}

/** What went wrong, as a `store_unavailable` that a person can act on. */
export function unavailable(error: unknown): CoatcheckError {
  return error instanceof CoatcheckError ? error : new CoatcheckError('store_unavailable', `sqliteStore: ${reasonOf(error)}`, error)
}

export function reasonOf(error: unknown): string {
  return reasons[resultCode(error) ?? 0] ?? (error instanceof Error ? error.message : String(error))
}

/** SQLite's primary result code; the bits above it say where it came from. */
function resultCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}
