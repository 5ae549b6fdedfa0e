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
import { redisKeys } from '../common/redis-keys.ts'
import { mongoWriter, postgresWriter, redisWriter, storeWriter, type Writer } from './writers.ts'

/** A `Store` of express-session, with whatever options of its own. */
export interface SessionStoreInstance {
  get(id: string, callback: (error: unknown, session?: unknown) => void): unknown
  destroy(id: string, callback: (error?: unknown) => void): unknown
  /** What `dualWrite` needs besides. */
  set?(id: string, session: object, callback: (error?: unknown) => void): unknown
  touch?(id: string, session: object, callback: (error?: unknown) => void): unknown
  createSession?(request: object, session: object): object
}

/** A client of node-redis, ioredis or iovalkey, for the layout of connect-redis. A whole one, but of no Cluster, can be walked too. */
export interface RedisSessions {
  get(key: string): Promise<unknown>
  del(key: string): Promise<unknown>
  /** What `dualWrite` needs besides. */
  eval?(script: string, ...rest: never[]): unknown
}

/** A pool of pg, for the layout of connect-pg-simple. */
export interface PostgresSessions {
  query(text: string, values: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
}

/** A collection of the mongodb driver, for the layout of connect-mongo. */
export interface MongoSessions {
  findOne(filter: object, options: object): Promise<object | null>
  deleteOne(filter: object): Promise<unknown>
  /** What a walk needs besides. */
  find?(filter: object, options: object): { toArray(): Promise<readonly object[]> }
  estimatedDocumentCount?(): Promise<number>
  /** What `dualWrite` needs besides. */
  updateOne?(filter: object, update: object): Promise<unknown>
}

export type ExpressStore = SessionStoreInstance | RedisSessions | PostgresSessions | MongoSessions

/** One way to all of them. What is read is text that holds JSON, or an object; `null` when it is not there or over. */
export interface OldSessions {
  read(id: string, nowMs: number): Promise<unknown>
  end(id: string): Promise<void>
  /** Where a store can name its sessions. */
  readonly all?: AllSessions | undefined
  /** Where it can change them. */
  readonly writer?: Writer | undefined
}

export interface AllSessions {
  page(cursor: string | null, limit: number, nowMs: number): Promise<{ readonly found: readonly Listed[]; readonly cursor: string | null }>
  /** About how many, where asking is cheap. */
  readonly count?: (() => Promise<number>) | undefined
}

interface Listed {
  readonly id: string
  /** When its store drops it, in unix milliseconds; `null`: never. */
  readonly endsAt: number | null
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
    writer: storeWriter(store, answered),
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
  const keys = redisKeys(redis, prefix)
  return {
    read: (id) => redis.get(prefix + id),
    end: async (id) => void (await redis.del(prefix + id)),
    writer: redisWriter(redis, prefix),
    all: keys && {
      async page(from, limit, nowMs) {
        const { ids, cursor } = await keys.page(from, limit)
        const ends = await keys.endsAt(ids, nowMs)
        return { found: ids.map((id, at) => ({ id, endsAt: ends[at] ?? null })), cursor }
      },
      count: () => keys.count(),
    },
  }
}

function inPostgres(pool: PostgresSessions, table: string): OldSessions {
  const name = table.replaceAll(/\w+/g, '"$&"')
  // The column has no time zone: connect-pg-simple writes and compares in the one of its connection.
  const alive = (parameter: string): string => `expire >= to_timestamp(${parameter})`
  const seconds = (nowMs: number): number => Math.ceil(nowMs / 1000)
  return {
    async read(id, nowMs) {
      const { rows } = await pool.query(`SELECT sess FROM ${name} WHERE sid = $1 AND ${alive('$2')}`, [id, seconds(nowMs)])
      return (rows[0] as { sess?: unknown } | undefined)?.sess ?? null
    },
    end: async (id) => void (await pool.query(`DELETE FROM ${name} WHERE sid = $1`, [id])),
    writer: postgresWriter(pool, name),
    all: {
      async page(after, limit, nowMs) {
        const ends = 'extract(epoch FROM expire::timestamptz) * 1000 AS ends'
        const text = `SELECT sid, ${ends} FROM ${name} WHERE sid > $1 AND ${alive('$2')} ORDER BY sid LIMIT $3`
        const { rows } = await pool.query(text, [after ?? '', seconds(nowMs), limit])
        const found = (rows as { sid: string; ends: unknown }[]).map(({ sid, ends }) => ({ id: sid, endsAt: Math.floor(Number(ends)) }))
        return { found, cursor: cursorAfter(found, limit) }
      },
      async count() {
        const { rows } = await pool.query(`SELECT count(*) AS n FROM ${name} WHERE ${alive('$1')}`, [seconds(Date.now())])
        return Number((rows[0] as { n?: unknown } | undefined)?.n)
      },
    },
  }
}

function inMongo(collection: MongoSessions): OldSessions {
  const isOver = (expires: unknown, nowMs: number): boolean => expires !== undefined && !(Number(expires) > nowMs)
  return {
    async read(id, nowMs) {
      const found = await collection.findOne({ _id: id }, { readPreference: 'primary' })
      const { expires, session } = (found ?? {}) as { expires?: unknown; session?: unknown }
      return isOver(expires, nowMs) ? null : (session ?? null)
    },
    end: async (id) => void (await collection.deleteOne({ _id: id })),
    writer: mongoWriter(collection, isOver),
    all: typeof collection.find !== 'function' ? undefined : walkedMongo(collection, isOver),
  }
}

function walkedMongo(collection: MongoSessions, isOver: (expires: unknown, nowMs: number) => boolean): AllSessions {
  return {
    async page(after, limit, nowMs) {
      const options = { projection: { expires: 1 }, sort: { _id: 1 }, limit, readPreference: 'primary' }
      const rows = (await collection.find?.({ _id: { $gt: after ?? '' } }, options).toArray()) ?? []
      const listed = (rows as { _id: string; expires?: unknown }[]).map(({ _id: id, expires }) => ({ id, expires }))
      const alive = listed.filter(({ expires }) => !isOver(expires, nowMs))
      const found = alive.map(({ id, expires }) => ({ id, endsAt: expires === undefined ? null : Number(expires) }))
      return { found, cursor: cursorAfter(listed, limit) }
    },
    count: async () => (await collection.estimatedDocumentCount?.()) ?? 0,
  }
}

/** The last id of a full page; the walk ends with one that is not. */
function cursorAfter(page: readonly { readonly id: string }[], limit: number): string | null {
  return page.length < limit ? null : (page.at(-1)?.id ?? null)
}
