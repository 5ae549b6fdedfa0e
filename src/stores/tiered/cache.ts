/**
 * The entries of the cache, and who may replace which. Everything goes by compare-and-swap on a version that was read, so whoever
 * comes late finds that its turn is over. Why it is right: decisions/012-tiered.md.
 */
import { CoatcheckError } from '../../core/errors.ts'
import type { Clock, SessionStore } from '../../core/types.ts'
import { Doubts } from './doubts.ts'
import { type Entry, rowOfEntry, type Seen, seenIn } from './entry.ts'
import { away, type Away, type Line } from './line.ts'

export interface CacheOptions {
  readonly staleMs: number
  readonly tombstoneMs: number
  readonly clock: Clock
}

/** A tombstone of ours. */
export interface Tomb {
  readonly version: string
  /** Until when other writes may be under way that began before it. */
  readonly othersUntil: number
}

interface Known {
  readonly version: string | null
  /** Until when writes are under way. */
  readonly busyUntil: number
}

const attemptsMax = 16
const knownMax = 10_000
/** An entry that is believed no more is kept for a while: what is there can be filled without being claimed first. */
const keptMs = 5_000

export class Cache {
  readonly #store: SessionStore
  readonly #line: Line
  readonly #options: CacheOptions
  /** The newest version of each entry that this process knows of: spares a write the look before it. */
  readonly #known = new Map<string, Known>()
  readonly #doubts: Doubts
  #believedAfter = Number.NEGATIVE_INFINITY

  constructor(store: SessionStore, line: Line, options: CacheOptions) {
    this.#store = store
    this.#line = line
    this.#options = options
    this.#doubts = new Doubts(options.staleMs)
  }

  async read(id: string): Promise<Seen | null | Away> {
    const row = await this.#line.run('get', () => this.#store.get(id))
    return row === away ? away : this.#note(id, row === null ? null : seenIn(id, row))
  }

  async readMany(ids: readonly string[]): Promise<(Seen | null | Away)[]> {
    const store = this.#store
    const { getMany } = store
    if (getMany === undefined) return Promise.all(ids.map((id) => this.read(id)))
    const rows = await this.#line.run('getMany', () => getMany.call(store, ids))
    return ids.map((id, i) => {
      const row = rows === away ? away : (rows[i] ?? null)
      return row === away ? away : this.#note(id, row === null ? null : seenIn(id, row))
    })
  }

  /** Whether what was true at `at` may still be answered. */
  isFresh(id: string, at: number): boolean {
    const nowMs = this.#options.clock()
    return at <= nowMs && nowMs - at < this.#options.staleMs && at > this.#believedAfter && !this.#doubts.has(id, at)
  }

  /** Who asks for a user's sessions wants to know of each whose it is now. */
  doubt(ids: readonly string[]): void {
    this.#doubts.add(ids, this.#options.clock())
  }

  /** A write that the cache may not know of: what was true before it is not believed any more. */
  distrust(): void {
    this.#believedAfter = this.#options.clock()
  }

  isBuried(entry: Entry | null): boolean {
    return busyUntilOf(entry) > this.#options.clock()
  }

  /** Claims a place where nothing is; `null` when somebody was faster. */
  dig(id: string): Promise<string | null | Away> {
    return this.#put(id, { kind: 'hole' }, null)
  }

  /** Fills in what the durable store said after `version` had been seen here. */
  async fill(id: string, version: string, entry: Entry): Promise<void> {
    await this.#put(id, entry, version)
  }

  /** Puts a tombstone in the place of whatever is there. */
  async bury(id: string): Promise<Tomb | Away> {
    let known = this.#known.get(id)
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (known === undefined) {
        const seen = await this.read(id)
        // A row of somebody else's is not overwritten: it may be the session itself, where two stores were given the same keys.
        if (seen === away || seen?.entry === null) return away
        known = { version: seen?.version ?? null, busyUntil: busyUntilOf(seen?.entry ?? null) }
      }
      const nowMs = this.#options.clock()
      const othersUntil = known.busyUntil > nowMs ? known.busyUntil : 0
      const version = await this.#put(id, { kind: 'tomb', until: nowMs + this.#options.tombstoneMs, othersUntil }, known.version)
      if (version === away) return away
      if (version !== null) return { version, othersUntil }
      known = undefined
    }
    return away
  }

  /** Ends a write: replaces its tombstone by what it left. Where that is not possible, nothing from before it stays. */
  async settle(id: string, tomb: Tomb | Away, entry: Entry): Promise<void> {
    if (tomb !== away) {
      const { othersUntil } = tomb
      const busy = othersUntil > this.#options.clock()
      const version = await this.#put(id, busy ? { kind: 'tomb', until: othersUntil, othersUntil } : entry, tomb.version)
      if (version === away) return this.distrust()
      if (version !== null) return
    }
    if (!(await this.#clear(id))) this.distrust()
  }

  /** Replaces what others have put here, so that what was read before this is filled in nowhere. */
  async #clear(id: string): Promise<boolean> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const seen = await this.read(id)
      if (seen === away) return false
      if (seen === null || seen.entry === null) return true
      // A tombstone stays one, but its owner will find that it is not its own any more, and leave no value.
      const version = await this.#put(id, this.isBuried(seen.entry) ? seen.entry : { kind: 'hole' }, seen.version)
      if (version !== null) return version !== away
    }
    return false
  }

  async #put(id: string, entry: Entry, expected: string | null): Promise<string | null | Away> {
    const row = rowOfEntry(id, entry, this.#endOf(entry))
    const version = await this.#line.run('put', () => this.#store.put(row, expected).catch(nullIfTooLarge))
    if (typeof version === 'string') this.#remember(id, { version, busyUntil: busyUntilOf(entry) })
    else this.#known.delete(id)
    return version
  }

  #endOf(entry: Entry): number {
    const nowMs = this.#options.clock()
    return keptMs + (entry.kind === 'tomb' ? Math.max(nowMs, busyUntilOf(entry)) : nowMs + this.#options.staleMs)
  }

  #note(id: string, seen: Seen | null): Seen | null {
    if (seen === null || seen.entry === null) this.#known.delete(id)
    else this.#remember(id, { version: seen.version, busyUntil: busyUntilOf(seen.entry) })
    return seen
  }

  #remember(id: string, known: Known): void {
    this.#known.delete(id)
    this.#known.set(id, known)
    if (this.#known.size <= knownMax) return
    for (const oldest of this.#known.keys()) return void this.#known.delete(oldest)
  }
}

function busyUntilOf(entry: Entry | null): number {
  return entry?.kind === 'tomb' ? Math.max(entry.until, entry.othersUntil) : 0
}

/** A session that fits the durable store only is not cached. */
function nullIfTooLarge(error: unknown): null {
  if (error instanceof CoatcheckError && error.code === 'session_too_large') return null
  throw error
}
