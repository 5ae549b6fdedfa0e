import { randomBytes } from 'node:crypto'
import { rmSync, statSync, writeFileSync } from 'node:fs'

/** Enough for forty sign-outs one by one, and for the checkpoint after which there is room for any number. */
const reserveBytes = 1024 * 1024
/** How often to try to take the room back while the disk is full. */
const restoreEveryMs = 1_000

/**
 * Room on the disk that is held for signing out. A delete is written to the log first, and that takes room like any other write: when
 * the disk is full nobody could end a session. Then this file is given up.
 */
export class Reserve {
  readonly #path: string
  #spent = false
  #triedAt = 0

  constructor(path: string) {
    this.#path = path
    this.#make()
  }

  /** Gives the room up. */
  spend(): void {
    // Not again with each of many who sign out, or it would never be tried.
    if (!this.#spent) this.#triedAt = performance.now()
    this.#spent = true
    rmSync(this.#path, { force: true })
  }

  /** Whether it was given up and there is still no room for it: then what is left is for those who make room. */
  isSpent(): boolean {
    if (!this.#spent || performance.now() - this.#triedAt < restoreEveryMs) return this.#spent
    this.#triedAt = performance.now()
    this.#spent = !this.#make()
    return this.#spent
  }

  /** Without room there is none to hold; that must not keep anybody from opening the file. */
  #make(): boolean {
    try {
      if (statSync(this.#path, { throwIfNoEntry: false })?.size === reserveBytes) return true
      // Random, since a file system that compresses would keep nothing free for zeros.
      writeFileSync(this.#path, randomBytes(reserveBytes), { mode: 0o600 })
      return true
    } catch {
      rmSync(this.#path, { force: true })
      return false
    }
  }
}
