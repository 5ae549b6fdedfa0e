import type { ConnectionOptions } from 'node:tls'
import type { Connection } from './connection.ts'
import { openConnection } from './open.ts'
import type { Address } from './addresses.ts'

export interface ServerOptions {
  readonly connectionsMax: number
  readonly timeoutMs: number
  readonly tls: ConnectionOptions | null
  readonly lifeKey: string
}

/** A connection with so many questions under way would serve the next one better if it had a sibling. */
const crowd = 64
const pauseMsFirst = 25
const pauseMsMax = 400

/** The connections to one server: opened when they are needed, replaced when they break. */
export class Server {
  readonly name: string
  readonly #address: Address
  readonly #options: ServerOptions
  #connections: Connection[] = []
  #opening: Promise<Connection> | null = null
  #life: string | null = null
  #pauseMs = 0
  #pauseUntilMs = 0
  #why: unknown
  #closed = false

  constructor(address: Address, options: ServerOptions) {
    this.name = address.name
    this.#address = address
    this.#options = options
  }

  /** Asks on one of the connections. Rejects at once while the server is known to be away. */
  ask<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new Error('the store is closed'))
    const connections = this.#connections
    const free = connections.find(({ load }) => load < crowd)
    if (free !== undefined) return work(free)
    const [least] = connections.toSorted((a, b) => a.load - b.load)
    if (least === undefined) return this.#open().then(work)
    if (connections.length < this.#options.connectionsMax) this.#open().catch(() => null)
    return work(least)
  }

  /** Lets what is under way come to its end. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#opening?.catch(() => null)
    const connections = this.#connections
    this.#retireAll()
    await Promise.all(connections.map(({ ended }) => ended))
  }

  #open(): Promise<Connection> {
    if (this.#opening !== null) return this.#opening
    if (performance.now() < this.#pauseUntilMs) return Promise.reject(this.#why)
    this.#opening = openConnection(this.#address, this.#options).then(
      (connection) => this.#opened(connection),
      (error: unknown) => this.#failed(error),
    )
    return this.#opening
  }

  #opened(connection: Connection): Connection {
    this.#opening = null
    this.#pauseMs = 0
    // Another life of the server's memory: whatever the other connections still see is gone.
    if (connection.life !== this.#life) this.#retireAll()
    this.#life = connection.life
    this.#connections.push(connection)
    connection.ended.then(() => this.#ended(connection))
    return connection
  }

  #failed(error: unknown): never {
    this.#opening = null
    this.#why = error
    this.#pauseMs = Math.min(pauseMsMax, Math.max(pauseMsFirst, 2 * this.#pauseMs))
    this.#pauseUntilMs = performance.now() + this.#pauseMs
    throw error
  }

  /** What broke one connection has broken the others, or will: new questions go to a new one. */
  #ended(connection: Connection): void {
    this.#connections = this.#connections.filter((one) => one !== connection)
    if (!connection.retired) this.#retireAll()
  }

  #retireAll(): void {
    const connections = this.#connections
    this.#connections = []
    for (const connection of connections) connection.retire()
  }
}
