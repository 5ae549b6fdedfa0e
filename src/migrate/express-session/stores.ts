/**
 * Where sessions of express-session are, and often those of @fastify/session:
 *
 *   a Store          whatever it is, through its own get and destroy
 *   connect-redis    sess:<sid>, JSON
 *   connect-pg-simple   table session (sid varchar, sess json, expire timestamp)
 *   connect-mongo    { _id: sid, session: JSON or an object, expires: Date or absent }
 *
 * Whether a session is over is judged by its store. `cookie.expires` inside the session is no measure: `touch` renews the store's own
 * expiry and leaves the JSON as it is.
 */
import { invalid } from '../common/reader.ts'

/** A `Store` of express-session, with whatever options of its own. */
export interface SessionStoreInstance {
  get(id: string, callback: (error: unknown, session?: unknown) => void): unknown
  destroy(id: string, callback: (error?: unknown) => void): unknown
}

/** A client of node-redis, ioredis or iovalkey, for the layout of connect-redis. */
export interface RedisSessions {
  get(key: string): Promise<unknown>
  del(key: string): Promise<unknown>
}

/** A pool of pg, for the layout of connect-pg-simple. */
export interface PostgresSessions {
  query(text: string, values: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

/** A collection of the mongodb driver, for the layout of connect-mongo. */
export interface MongoSessions {
  findOne(filter: object, options: object): Promise<object | null>
  deleteOne(filter: object): Promise<unknown>
}

export type ExpressStore = SessionStoreInstance | RedisSessions | PostgresSessions | MongoSessions

/** One way to all of them. What is read is text that holds JSON, or an object; `null` when it is not there or over. */
export interface OldSessions {
  read(id: string, nowMs: number): Promise<unknown>
  end(id: string): Promise<void>
}

interface Layout {
  readonly store: ExpressStore
  readonly prefix?: string
  readonly table?: string
}

/** Recognises a store by its shape. Throws `config_invalid`. */
export function oldSessions(reader: string, { store, prefix, table }: Layout): OldSessions {
  const has = (name: string): boolean => typeof (store as unknown as Record<string, unknown> | undefined)?.[name] === 'function'
  // Every Store inherits it; that of connect-pg-simple has a query too. A client of node-redis has a destroy: it ends the connection.
  const kind = has('createSession')
    ? 'store'
    : has('get') && has('del')
      ? 'redis'
      : has('get') && has('destroy')
        ? 'store'
        : has('query')
          ? 'postgres'
          : has('findOne') && has('deleteOne')
            ? 'mongo'
            : null
  const wrong =
    kind === null
      ? 'store must be a Store of express-session, a Redis client, a pg pool or a MongoDB collection'
      : prefix !== undefined && (kind !== 'redis' || typeof prefix !== 'string')
        ? 'prefix is what stands before the ids of connect-redis; it goes with a Redis client'
        : table !== undefined && (kind !== 'postgres' || typeof table !== 'string' || !/^\w+(\.\w+)?$/.test(table))
          ? "table is the table of connect-pg-simple; write 'session' or 'schema.session', and pass a pg pool as store"
          : null
  if (wrong !== null) throw invalid(`${reader}: ${wrong}`)
  if (kind === 'postgres') return inPostgres(store as PostgresSessions, table ?? 'session')
  if (kind === 'mongo') return inMongo(store as MongoSessions)
  return kind === 'redis' ? inRedis(store as RedisSessions, prefix ?? 'sess:') : inStore(store as SessionStoreInstance)
}

function inStore(store: SessionStoreInstance): OldSessions {
  return {
    read: (id) => answered((callback) => store.get(id, callback)),
    end: async (id) => void (await answered((callback) => store.destroy(id, callback))),
  }
}

function answered(call: (callback: (error: unknown, answer?: unknown) => void) => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const promise = call((error, answer) => {
      // For express-session too this is a session that is not there: stores of files say it so.
      if (error && (error as { code?: unknown }).code !== 'ENOENT') reject(error as Error)
      else resolve(error ? null : (answer ?? null))
    })
    // Stores with async methods reject where they should have called back.
    if (promise instanceof Promise) promise.catch(reject)
  })
}

function inRedis(redis: RedisSessions, prefix: string): OldSessions {
  return {
    read: (id) => redis.get(prefix + id),
    end: async (id) => void (await redis.del(prefix + id)),
  }
}

function inPostgres(pool: PostgresSessions, table: string): OldSessions {
  const name = table.replaceAll(/\w+/g, '"$&"')
  return {
    async read(id, nowMs) {
      // The column has no time zone: connect-pg-simple writes and compares in the one of its connection.
      const text = `SELECT sess FROM ${name} WHERE sid = $1 AND expire >= to_timestamp($2)`
      const { rows } = await pool.query(text, [id, Math.ceil(nowMs / 1000)])
      return (rows[0] as { sess?: unknown } | undefined)?.sess ?? null
    },
    end: async (id) => void (await pool.query(`DELETE FROM ${name} WHERE sid = $1`, [id])),
  }
}

function inMongo(collection: MongoSessions): OldSessions {
  return {
    async read(id, nowMs) {
      const found = (await collection.findOne({ _id: id }, { readPreference: 'primary' })) as {
        expires?: unknown
        session?: unknown
      } | null
      if (found?.expires !== undefined && !(Number(found.expires) > nowMs)) return null
      return found?.session ?? null
    },
    end: async (id) => void (await collection.deleteOne({ _id: id })),
  }
}
