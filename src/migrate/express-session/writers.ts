/**
 * Changing a session where it is. All but a `Store` compare: what is written takes the place of exactly what was read, or of nothing, so that
 * what the old application has written in between is not lost, and what it has ended does not come back. A `Store` has no way to
 * say so. Expiry is moved as each store's own touch would move it, never to an earlier time.
 */
import type { MongoSessions, PostgresSessions, RedisSessions, SessionStoreInstance } from './stores.ts'

/** A whole session as it is stored, `cookie` among its members. */
export type WholeSession = Readonly<Record<string, unknown>>

export interface Writer {
  /** Whether `swap` compares. */
  readonly compares: boolean
  /** What is there now: text that holds JSON, or an object; `null` when it is over. */
  open(id: string, nowMs: number): Promise<Current | null>
  /** Keeps it alive without a change. */
  touch(id: string, session: WholeSession, nowMs: number): Promise<void>
}

interface Current {
  readonly content: unknown
  /** Puts this in its place; `false`: it has changed, or gone, since it was read. */
  swap(next: WholeSession): Promise<boolean>
}

const dayMs = 86_400_000

/** How long it lives when nobody uses it; where the cookie does not say, what its store has for that by default. */
function lifeMsOf(session: WholeSession, defaultMs: number): number {
  const { originalMaxAge } = session['cookie'] as { readonly originalMaxAge?: unknown }
  return typeof originalMaxAge === 'number' ? originalMaxAge : defaultMs
}

/** `read` is the store's own, of a session as it stands there. */
export function storeWriter(
  store: SessionStoreInstance,
  answered: (call: (callback: (error: unknown, answer?: unknown) => void) => unknown) => Promise<unknown>,
): Writer | undefined {
  const { set, touch, createSession } = store
  if (typeof set !== 'function') return undefined
  // Some stores want the methods that express-session gives its sessions and their cookies.
  const whole = (id: string, session: WholeSession): object =>
    typeof createSession === 'function' ? createSession.call(store, { sessionID: id, sessionStore: store }, { ...session }) : session
  return {
    compares: false,
    async open(id) {
      const content = await answered((callback) => store.get(id, callback))
      const swap = async (next: WholeSession): Promise<boolean> => {
        await answered((callback) => set.call(store, id, whole(id, next), callback))
        return true
      }
      return content === null ? null : { content, swap }
    },
    async touch(id, session) {
      if (typeof touch === 'function') await answered((callback) => touch.call(store, id, whole(id, session), callback))
    },
  }
}

const swapScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local left = redis.call('PTTL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[2])
if left >= 0 then redis.call('PEXPIRE', KEYS[1], math.max(left, tonumber(ARGV[3]))) end
return 1`
const touchScript = `
local left = redis.call('PTTL', KEYS[1])
if left >= 0 and left < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return 1`

export function redisWriter(redis: RedisSessions, prefix: string): Writer | undefined {
  const { eval: evaluate, call } = redis as RedisSessions & { readonly eval?: (...args: unknown[]) => Promise<unknown>; call?: unknown }
  if (typeof evaluate !== 'function') return undefined
  // ioredis and iovalkey count the keys, node-redis names them.
  const run = (script: string, key: string, values: string[]): Promise<unknown> =>
    typeof call === 'function'
      ? evaluate.call(redis, script, 1, key, ...values)
      : evaluate.call(redis, script, { keys: [key], arguments: values })
  return {
    compares: true,
    async open(id) {
      const content = await redis.get(prefix + id)
      const swap = async (next: WholeSession): Promise<boolean> =>
        Number(await run(swapScript, prefix + id, [String(content), JSON.stringify(next), String(lifeMsOf(next, dayMs))])) === 1
      return content === null ? null : { content, swap }
    },
    touch: async (id, session) => void (await run(touchScript, prefix + id, [String(lifeMsOf(session, dayMs))])),
  }
}

/** `name` is the table, quoted. */
export function postgresWriter(pool: PostgresSessions, name: string): Writer {
  // The column has no time zone, as in stores.ts.
  const later = (parameter: string): string => `expire = GREATEST(expire, to_timestamp(${parameter})::timestamp)`
  const seconds = (nowMs: number): number => Math.ceil(nowMs / 1000)
  return {
    compares: true,
    async open(id, nowMs) {
      const text = `SELECT sess::text AS sess FROM ${name} WHERE sid = $1 AND expire >= to_timestamp($2)`
      const { rows } = await pool.query(text, [id, seconds(nowMs)])
      const content = (rows[0] as { sess?: unknown } | undefined)?.sess ?? null
      const swap = async (next: WholeSession): Promise<boolean> => {
        const update = `UPDATE ${name} SET sess = $2, ${later('$3')} WHERE sid = $1 AND sess::text = $4 RETURNING sid`
        const end = seconds(nowMs + lifeMsOf(next, dayMs))
        return (await pool.query(update, [id, JSON.stringify(next), end, content])).rows.length === 1
      }
      return content === null ? null : { content, swap }
    },
    async touch(id, session, nowMs) {
      await pool.query(`UPDATE ${name} SET ${later('$2')} WHERE sid = $1`, [id, seconds(nowMs + lifeMsOf(session, dayMs))])
    },
  }
}

/** connect-mongo keeps a session for two weeks when its cookie does not say. */
export function mongoWriter(collection: MongoSessions, isOver: (expires: unknown, nowMs: number) => boolean): Writer | undefined {
  const { updateOne } = collection
  if (typeof updateOne !== 'function') return undefined
  const endOf = (session: WholeSession, nowMs: number): Date => new Date(nowMs + lifeMsOf(session, 14 * dayMs))
  return {
    compares: true,
    async open(id, nowMs) {
      const found = await collection.findOne({ _id: id }, { readPreference: 'primary' })
      const { expires, session: content } = (found ?? {}) as { expires?: unknown; session?: unknown }
      if (content === undefined || content === null || isOver(expires, nowMs)) return null
      const swap = async (next: WholeSession): Promise<boolean> => {
        // Where it is no text, what the old application has set may be more than JSON: it stays that.
        const session: unknown = typeof content === 'string' ? JSON.stringify(next) : next
        // One that never ends goes on doing so.
        const update = { $set: { session }, ...(expires === undefined ? {} : { $max: { expires: endOf(next, nowMs) } }) }
        const answer = await updateOne.call(collection, { _id: id, session: { $eq: content } }, update)
        return (answer as { readonly matchedCount?: number }).matchedCount === 1
      }
      return { content, swap }
    },
    touch: async (id, session, nowMs) =>
      void (await updateOne.call(collection, { _id: id, expires: { $gt: new Date(nowMs) } }, { $max: { expires: endOf(session, nowMs) } })),
  }
}
