import { unavailable } from '../common/errors.ts'
import type { Address } from './addresses.ts'
import type { Connection } from './connection.ts'
import { unfit } from './failures.ts'
import { Ring } from './ring.ts'
import { Server, type ServerOptions } from './server.ts'

/** The servers that share the keys. A key whose server is away is away with it. */
export class Cluster {
  readonly #servers: readonly Server[]
  readonly #ring: Ring<Server>

  constructor(addresses: readonly Address[], options: ServerOptions) {
    this.#servers = addresses.map((address) => new Server(address, options))
    this.#ring = new Ring(this.#servers)
  }

  /** Asks the server that keeps this key. */
  async ask<T>(key: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    const [only] = this.#servers
    const server = this.#servers.length === 1 && only !== undefined ? only : this.#ring.of(key)
    try {
      return await server.ask(work)
    } catch (error) {
      throw unavailable(`memcachedStore: ${server.name}`, error)
    }
  }

  /** Does something with every server; what a person has to put right is `config_invalid`. */
  async each(work: (server: Server) => Promise<void>): Promise<void> {
    await Promise.all(this.#servers.map((server) => work(server).catch((error: unknown) => unfit(server.name, error))))
  }
}
