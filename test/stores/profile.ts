/** A store on its real server, as the suites see it: contract, round trips, faults, histories, and the table in docs/stores.md. */
import type { SessionStore } from '../../src/core/types.ts'
import type { Lack } from '../../src/testing/store-contract.ts'

export interface StoreProfile {
  /** The subpath it is published under, such as `redis`; a second profile of one store says what differs: `redis, ioredis`. */
  readonly name: string
  /** Which servers it needs, by their names in scripts/servers. */
  readonly servers: readonly string[]
  /**
   * Opens the store with a client of its own. Called several times and in several processes on the same servers; `urls` are in the
   * order of `servers`, and may be those of a proxy that breaks connections.
   */
  open(urls: readonly string[]): Promise<OpenedProfile>
  /** Whether `commands` counts everybody's: then it is asked of servers that nobody else uses. */
  readonly countsAll?: true
  /** `false`: its connections cannot be led through a proxy, so what breaks them is tested elsewhere. */
  readonly breaks?: false
  /** What the contract is told of its gaps. */
  readonly lacks?: readonly Lack[]
  readonly rowBytesMax?: number
  /** What a person has to know, a sentence for each cell of the table. */
  readonly words: {
    readonly limits: string
    readonly eviction: string
    readonly restart: string
    readonly failover: string
  }
}

export interface OpenedProfile {
  readonly store: SessionStore
  /** How many commands the server has served, by its own statistics and without those that ask for them. Left out where no server counts. */
  commands?(): Promise<number>
  /** Closes the store and the client. */
  close(): Promise<void>
}
