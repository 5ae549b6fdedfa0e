import type { Entry } from './entry.ts'

/**
 * Entries from the least to the most recently used, as a linked list. The order of a `Map` would do, but taking an entry out and
 * putting it back leaves a hole, and every so often the Map copies all that remain: 5 ms at 100,000 entries, 100 at a million.
 */
export class UseOrder {
  oldest: Entry | null = null
  #newest: Entry | null = null

  /** Appends an entry that is in no order. */
  add(entry: Entry): void {
    entry.older = this.#newest
    entry.newer = null
    if (this.#newest === null) this.oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
  }

  renew(entry: Entry): void {
    if (entry === this.#newest) return
    this.remove(entry)
    this.add(entry)
  }

  remove({ older, newer }: Entry): void {
    if (older === null) this.oldest = newer
    else older.newer = newer
    if (newer === null) this.#newest = older
    else newer.older = older
  }
}
