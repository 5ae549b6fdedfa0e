export type Framework = 'node' | 'express' | 'fastify' | 'koa' | 'hono' | 'h3'

/** A server that sessions are kept in, beside the one that is measured. */
export type StoreName = 'redis' | 'postgres'

/** What a subject may use. */
export interface Place {
  /** An empty directory of this subject alone, removed afterwards. */
  readonly dir: string
  /** An empty database of this subject alone, for one with a `store`. */
  readonly url: string
}

export interface Running {
  readonly port: number
  close(): Promise<void>
}

/** One thing to measure: a server with the routes `/untouched`, `/read`, `/write` and `/seed?v=N`. */
export interface Subject {
  readonly name: string
  /** The framework it stands on; its bare cost is subtracted. */
  readonly on: Framework
  /** `floor`: the least a hand-written one costs. `peer`: other people's. `ours`: this repository. */
  readonly kind: 'bare' | 'floor' | 'peer' | 'ours'
  /** Its answers carry no visitor's data, so the load does not check them. */
  readonly sessionless?: true
  /** The server it needs. */
  readonly store?: StoreName
  start(place: Place): Promise<Running>
}

/** What a subject does with its session; the framework around it is the same for all. */
export interface Handlers<Context> {
  /** Fills the visitor's session with `sampleSession(visitor)`. */
  seed(context: Context, visitor: number): unknown
  /** Answers one value of the session. */
  read(context: Context): string | Promise<string>
  /** Increments `n`, saves, answers the new value. */
  write(context: Context): number | Promise<number>
}

/** The routes without a session. Answers of the same size as everybody's. */
export function bareHandlers(): Handlers<unknown> {
  let n = 0
  return { seed() {}, read: () => 'visitor-bare', write: () => ++n % 1000 }
}
