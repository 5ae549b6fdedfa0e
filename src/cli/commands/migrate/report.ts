/**
 * The report of refused sessions, a line of JSON for each:
 *
 *   {"identity":"<SHA-256 of the old session's id, in hex>","why":"session_too_large"}
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import type { MoveInRefusal } from '../../../index.ts'
import { usage } from '../../io.ts'

export interface Report {
  /** So far. */
  readonly bytes: number
  add(refusals: readonly MoveInRefusal[]): void
  close(): void
}

const beginning = '{"identity":"'

export const noReport: Report = { bytes: 0, add: () => {}, close: () => {} }

/**
 * Opens a report to go on behind its first `keepBytes`: what stands there now was written by a run that was killed before it could save
 * how far it had come. Takes the place of another report, but of no other file: throws with exit code 2.
 */
export function openReport(file: string, cwd: string, keepBytes: number): Report {
  const path = resolve(cwd, file)
  let handle: number
  try {
    handle = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  } catch (error) {
    throw usage(`--report ${file} cannot be written (${String((error as { code?: unknown }).code)})`)
  }
  const start = Buffer.alloc(beginning.length)
  const length = readSync(handle, start, 0, start.length, 0)
  if (length > 0 && start.toString('latin1', 0, length) !== beginning) {
    closeSync(handle)
    throw usage(`--report ${file} is there already and is no report; write another name`)
  }
  let bytes = Math.min(keepBytes, fstatSync(handle).size)
  ftruncateSync(handle, bytes)
  return {
    get bytes() {
      return bytes
    },
    add(refusals) {
      if (refusals.length === 0) return
      const lines = refusals.map(({ identity, why }) => `${JSON.stringify({ identity, why })}\n`).join('')
      bytes += writeSync(handle, lines, bytes)
    },
    close: () => closeSync(handle),
  }
}
