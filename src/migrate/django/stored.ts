/**
 * Where Django keeps sessions that are not in the cookie:
 *
 *   db         table django_session (session_key, session_data, expire_date)
 *   cache      <KEY_PREFIX>:<version>:django.contrib.sessions.cache<session_key>, the dict pickled; it ends with its entry
 *   cached_db  the table, and before it the cache under …sessions.cached_db<session_key>
 *   file       <SESSION_COOKIE_NAME><session_key>; it ends so long after it was written
 */
import type { MoveInWhy, OldSession } from '../../http/move-in.ts'
import { allInFiles, allInRedis } from '../common/all-sessions.ts'
import type { Bytes } from '../common/byte-store.ts'
import type { SessionFiles } from '../common/session-files.ts'
import type { SqlRunner } from '../common/sql-database.ts'
import type { AllSessions } from '../express-session/stores.ts'
import { readPickle } from '../pickle.ts'
import { dictIn, type Values } from './signing.ts'

/** What a store holds under a key. */
type Found = Pick<OldSession, 'values' | 'expiresAt'> | null
type Because = (why: MoveInWhy) => void

/** Sessions by their keys. */
export interface DjangoStore {
  /** `null`: not there, or over; or unreadable, and then that is said. */
  read(key: string, nowMs: number, because?: Because): Promise<Found>
  end(key: string): Promise<void>
  /** Where they can be named. */
  readonly all?: AllSessions | undefined
}

/** `expire_date` as unix milliseconds, whatever zone a client would make of it. */
const expireMs = {
  postgres: 'EXTRACT(EPOCH FROM expire_date) * 1000',
  mysql: "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', expire_date) / 1000",
  sqlite: '(julianday(expire_date) - 2440587.5) * 86400000',
} as const

export function inDatabase({ rows, dialect, quoted }: SqlRunner, tableName: string, open: (text: string) => Values | null): DjangoStore {
  const table = quoted(tableName)
  return {
    async read(key, nowMs, because) {
      const [row] = await rows(`SELECT session_data, ${expireMs[dialect]} FROM ${table} WHERE session_key = ?`, [key])
      const [data, end] = row ?? []
      const expiresAt = Math.floor(Number(end))
      return row === undefined || expiresAt <= nowMs ? null : found(open(String(data)), () => expiresAt, because)
    },
    end: async (key) => void (await rows(`DELETE FROM ${table} WHERE session_key = ?`, [key])),
    all: {
      async page(after, limit) {
        const text = `SELECT session_key FROM ${table} WHERE session_key > ? ORDER BY session_key LIMIT ${Math.floor(limit)}`
        const ids = (await rows(text, [after ?? ''])).map(([key]) => String(key))
        return { found: ids.map((id) => ({ id, endsAt: null })), cursor: ids.length < limit ? null : (ids.at(-1) ?? null) }
      },
      count: async () => Number((await rows(`SELECT count(*) FROM ${table}`))[0]?.[0]),
    },
  }
}

export function inCache(cache: Bytes, prefix: string, cookieAgeMs: number): DjangoStore {
  return {
    async read(key, nowMs, because) {
      const bytes = await cache.read(prefix + key)
      const read = bytes === null ? null : readPickle(bytes)
      if (read === null) return null
      return found(read.ok ? dictIn(read.value) : null, (values) => nowMs + (lifeMsIn(values, nowMs) ?? cookieAgeMs), because)
    },
    end: (key) => cache.end(prefix + key),
    all: allInRedis(cache.keys(prefix)),
  }
}

/** As Django asks them: the first that knows it. */
export function cachedDatabase(cache: DjangoStore, database: DjangoStore): DjangoStore {
  return {
    ...database,
    read: async (key, nowMs, because) => (await cache.read(key, nowMs)) ?? (await database.read(key, nowMs, because)),
    async end(key) {
      // The table first: whatever is left in the cache ends there.
      await database.end(key)
      await cache.end(key)
    },
  }
}

export function inFiles(files: SessionFiles, cookieAgeMs: number, open: (text: string) => Values | null): DjangoStore {
  return {
    async read(key, nowMs, because) {
      const file = await files.read(key)
      // Django makes an empty file first.
      if (file === null || file.bytes.length === 0) return null
      const { bytes, modifiedMs } = file
      const endOf = (values: Values): number => Math.floor(modifiedMs + (lifeMsIn(values, modifiedMs) ?? cookieAgeMs))
      const session = found(open(bytes.toString('latin1')), endOf, because)
      return session?.expiresAt != null && session.expiresAt > nowMs ? session : null
    },
    end: (key) => files.end(key),
    all: allInFiles(files),
  }
}

function found(values: Values | null, endOf: (values: Values) => number, because: Because = () => {}): Found {
  if (values !== null) return { values, expiresAt: endOf(values) }
  because('unreadable')
  return null
}

/** What `set_expiry` has left in a session: seconds since its last writing, or a moment. 0: until the browser closes. */
function lifeMsIn({ _session_expiry: expiry }: Values, sinceMs: number): number | null {
  if (typeof expiry === 'number') return expiry === 0 ? null : expiry * 1_000
  const moment = expiry instanceof Date ? expiry.getTime() : typeof expiry === 'string' ? Date.parse(expiry) : Number.NaN
  return Number.isNaN(moment) ? null : moment - sinceMs
}
