/** The sessions of an Express application, written by the real express-session stores, and the application that takes them over. */
import { createHmac } from 'node:crypto'
import { RedisStore } from 'connect-redis'
import type { SessionData } from 'express-session'
import { createClient } from 'redis'
import { createSessions, type Sessions, type SessionStore } from '../../src/index.ts'
import { fromExpressSession } from '../../src/migrate/express-session.ts'
import { secret } from '../support/backends.ts'
import { sharedServer } from '../support/server.ts'
import { Visitor } from '../support/visitor.ts'

const oldSecret = 'keyboard cat'

type Values = Record<string, unknown>

export interface Shop {
  readonly url: string
  readonly prefix: string
  readonly ids: readonly string[]
  readonly store: RedisStore
  /** Ours, with a reader of the old sessions, on this store. */
  ours(store: SessionStore): Sessions<Values>
  close(): Promise<void>
}

let shops = 0

/** `count` visitors, each with a number of his own, in Redis as connect-redis puts them there. */
export async function expressShop(count: number, seconds = 3_600): Promise<Shop> {
  const url = await sharedServer('redis')
  const client = createClient({ url })
  await client.connect()
  const prefix = `cli-${process.pid}-${++shops}:`
  const store = new RedisStore({ client, prefix, ttl: seconds })
  const ids = Array.from({ length: count }, (_, n) => `visitor-${String(n).padStart(24, '0')}`)
  for (let from = 0; from < count; from += 500)
    await Promise.all(ids.slice(from, from + 500).map((id, n) => store.set(id, sessionOf(from + n, seconds))))
  return {
    url,
    prefix,
    ids,
    store,
    ours(to) {
      const reader = fromExpressSession({ secret: oldSecret, store: client, prefix })
      return createSessions<Values>({ secret, store: to, moveIn: [reader] })
    },
    async close() {
      for (let from = 0; from < count; from += 500) await client.del(ids.slice(from, from + 500).map((id) => prefix + id))
      client.destroy()
    },
  }
}

function sessionOf(n: number, seconds: number): SessionData {
  const cookie = { originalMaxAge: seconds * 1_000, expires: new Date(Date.now() + seconds * 1_000), httpOnly: true, path: '/' }
  return { cookie, n, cart: [{ sku: `A${n}` }], passport: { user: n } } as unknown as SessionData
}

/** A browser with a cookie that express-session has signed. */
export function oldVisitor(sessions: Sessions<Values>, id: string): Visitor {
  const signature = createHmac('sha256', oldSecret).update(id).digest('base64').replace(/=+$/, '')
  return new Visitor(sessions, new Map([['connect.sid', encodeURIComponent(`s:${id}.${signature}`)]]))
}
