import { closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { CoatcheckError } from '../../core/errors.ts'
import { invalid } from '../common/options.ts'

/** How long reads may go on after somebody deleted the file: looking costs as much as a read. */
const lookEveryMs = 1_000

/**
 * The file as it was when it was opened. SQLite goes on with a file that was deleted or replaced: writes would be acknowledged
 * and seen by nobody else, and gone when this process ends.
 */
export class OpenedFile {
  readonly #path: string
  readonly #place: string
  #lookedAt = 0

  constructor(path: string) {
    this.#path = path
    this.#place = placeOf(path)
  }

  /** Throws `store_unavailable` when the file is no longer the one that was opened. */
  look(): void {
    if (placeOf(this.#path) === this.#place) return
    throw new CoatcheckError(
      'store_unavailable',
      `${this.#path} was deleted or replaced while in use; restart with the file that should count`,
    )
  }

  /** The same, now and then. */
  lookSometimes(): void {
    const now = Date.now()
    if (Math.abs(now - this.#lookedAt) < lookEveryMs) return
    this.look()
    this.#lookedAt = now
  }
}

/** Makes the file, for its owner only, and its folder. Throws `config_invalid`. */
export function createFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    closeSync(openSync(path, 'a', 0o600))
  } catch (error) {
    throw invalid(`sqliteStore cannot write ${path} (${String(error)}); give file a path in a folder this process may write to`, error)
  }
}

function placeOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? 'nowhere' : `${stat.dev}:${stat.ino}`
}
