const doubtsMax = 10_000

/** Sessions of which this process believes no entry from before a moment. */
export class Doubts {
  readonly #staleMs: number
  /** The oldest first. */
  readonly #since = new Map<string, number>()
  #sinceAll = Number.NEGATIVE_INFINITY

  constructor(staleMs: number) {
    this.#staleMs = staleMs
  }

  add(ids: readonly string[], nowMs: number): void {
    // Entries from before that are too old by now anyway.
    for (const [id, since] of this.#since) {
      if (nowMs - since < this.#staleMs) break
      this.#since.delete(id)
    }
    for (const id of ids) {
      this.#since.delete(id)
      this.#since.set(id, nowMs)
    }
    if (this.#since.size <= doubtsMax) return
    this.#since.clear()
    this.#sinceAll = nowMs
  }

  has(id: string, at: number): boolean {
    return at <= this.#sinceAll || at <= (this.#since.get(id) ?? Number.NEGATIVE_INFINITY)
  }
}
