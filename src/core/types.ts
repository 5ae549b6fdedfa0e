/** One session at rest. The engine fills it in; a store keeps it and understands nothing but its columns. */
export interface Row {
  /** Public handle: 24 url-safe characters, never a secret. */
  readonly id: string
  /** Opaque text from the codec (docs/format.md). */
  readonly body: string
  /** Owner, in clear so that a store can index it; `null` while nobody is signed in. */
  readonly user: string | null
  /** Unix milliseconds: keep the row until then, afterwards drop it whenever convenient. */
  readonly expiresAt: number
}

/** A row as a store hands it out. */
export interface StoredRow extends Row {
  /** Minted by the store at every `put`, opaque to the engine, never the same twice for one id. */
  readonly version: string
}

/** What a store promises. The engine refuses at start-up a configuration that needs more. */
export interface Guarantees {
  /** `put` with a stale version changes nothing, whoever wrote in between. */
  readonly compareAndSwap: boolean
  /** An acknowledged write outlives a crash of process and machine. */
  readonly durable: boolean
  /** Live rows may vanish to make room. */
  readonly mayEvict: boolean
  /** `idsOf` exists and is complete. */
  readonly userIndex: boolean
}

/**
 * A five-column table with compare-and-swap: all the engine asks of a backend.
 *
 * Absence, a lost race and a repeated delete are answers. A rejected promise means that the store is broken or away.
 * `docs/adding-a-store.md` says how to write one; `storeContract` from `coatcheck/testing` says when it is right.
 */
export interface SessionStore {
  /** The newest acknowledged row, or `null`. May answer an expired row: the engine judges expiry itself. */
  get(id: string): Promise<StoredRow | null>
  /** `get` for a store that need not wait (it lives in the process): spares the engine a deadline and a turn of the queue. */
  getNow?(id: string): StoredRow | null
  /**
   * Writes the row if its place still holds `expected` (`null`: if nothing is there; an expired row counts as something
   * until it is gone) and answers the new version; otherwise changes nothing and answers `null`. Never revives.
   */
  put(row: Row, expected: string | null): Promise<string | null>
  /** Removes the row and its place in the user index. Deleting what is not there is fine. */
  delete(id: string): Promise<void>
  /** Moves expiry (and the user index with it), never the body or the version, never to an earlier time. `false`: no such row. */
  touch?(id: string, expiresAt: number): Promise<boolean>
  /** `get` for many, answers in the order asked. When present, the engine gathers the reads of one tick into one call. */
  getMany?(ids: readonly string[]): Promise<(StoredRow | null)[]>
  /** Ids of this user's rows; may name expired rows, never another user's. */
  idsOf?(user: string): Promise<string[]>
  /** Walks all ids a page at a time; `cursor: null` starts, and ends. */
  scan?(cursor: string | null, limit: number): Promise<{ ids: string[]; cursor: string | null }>
  /** Drops at most `limit` rows that expired before `now`; answers how many. For stores without a TTL of their own. */
  sweep?(now: number, limit: number): Promise<number>
  /**
   * Looks whether the server is there and fit to keep sessions. Rejects with `config_invalid` and a sentence that says what to do
   * (a schema to migrate, a version too old, a policy that evicts), or with `store_unavailable`. Makes and changes nothing.
   */
  ready?(): Promise<void>
  close?(): Promise<void>
  readonly guarantees: Guarantees
}

/** Where time comes from. Wall clock in unix milliseconds. */
export type Clock = () => number

/** Where randomness comes from: exactly `size` bytes from a CSPRNG. */
export type Random = (size: number) => Uint8Array

/** Where timers come from. `set` must not keep a process alive. */
export interface Timers {
  set(run: () => void, delayMs: number): unknown
  clear(timer: unknown): void
}

/** The word a commit ends with. */
export type Outcome =
  /** Nothing to do: not asked for, only read, or an empty new session. */
  | 'untouched'
  /** The row was written (created, changed, rotated, signed in). */
  | 'stored'
  /** Only the idle timeout moved. */
  | 'slid'
  /** This request ended the session. */
  | 'erased'
  /** There were edits, but the session had ended, or belongs to somebody who signed in since. */
  | 'gone'
  /** Edits were dropped because the response is a 5xx or an earlier commit failed. */
  | 'discarded'
