import type { Entry } from './entry.ts'

/**
 * A binary heap of entries by `due`, which is never after `expiresAt` but may be long before it: a session that is used moves its
 * expiry all the time, and only when it comes up here is it filed anew. So a write costs nothing, and an entry moves once per life.
 */
export class ExpiryOrder {
  readonly #heap: Entry[] = []

  add(entry: Entry): void {
    entry.due = entry.expiresAt
    this.#heap.push(entry)
    this.#rise(entry, this.#heap.length - 1)
  }

  /** Call after `expiresAt` moved to an earlier time. */
  hasten(entry: Entry): void {
    if (entry.expiresAt >= entry.due) return
    entry.due = entry.expiresAt
    this.#rise(entry, entry.slot)
  }

  remove(entry: Entry): void {
    const last = this.#heap.pop()
    if (last === undefined || last === entry) return
    if (last.due < entry.due) this.#rise(last, entry.slot)
    else this.#sink(last, entry.slot)
  }

  /** An entry that expired before `now`; `null` when there is none, or none was found before `refileMax` others lived on. */
  expired(now: number, refileMax: number): Entry | null {
    for (let refiled = 0; refiled <= refileMax; refiled++) {
      const first = this.#heap[0]
      if (first === undefined || first.due >= now) return null
      if (first.expiresAt < now) return first
      first.due = first.expiresAt
      this.#sink(first, 0)
    }
    return null
  }

  #rise(entry: Entry, slot: number): void {
    while (slot > 0) {
      const above = (slot - 1) >> 1
      const parent = this.#heap[above] as Entry
      if (parent.due <= entry.due) break
      this.#place(parent, slot)
      slot = above
    }
    this.#place(entry, slot)
  }

  #sink(entry: Entry, slot: number): void {
    const heap = this.#heap
    for (;;) {
      let below = 2 * slot + 1
      let child = heap[below]
      if (child === undefined) break
      const right = heap[below + 1]
      if (right !== undefined && right.due < child.due) {
        child = right
        below++
      }
      if (child.due >= entry.due) break
      this.#place(child, slot)
      slot = below
    }
    this.#place(entry, slot)
  }

  #place(entry: Entry, slot: number): void {
    this.#heap[slot] = entry
    entry.slot = slot
  }
}
