import { serveKoa } from '../frameworks/koa.ts'
import { connectRedis } from './connect.ts'
import { handlers, install } from './koa-session.ts'
import type { Running, Subject } from './subject.ts'

/** It brings no store for Redis, and koa-redis brings a client of 2019. This is the least one, on the client of all others. */
async function start(url: string): Promise<Running> {
  const client = await connectRedis(url)
  const store = {
    get: async (key: string) => JSON.parse((await client.get(key)) ?? 'null'),
    set: (key: string, session: object, maxAgeMs: number) =>
      client.set(key, JSON.stringify(session), { expiration: { type: 'PX', value: maxAgeMs } }),
    destroy: (key: string) => client.del(key),
  }
  return serveKoa(handlers, (app) => install(app, { store }))
}

export const subjects: Subject[] = [{ name: 'koa-session, redis', on: 'koa', kind: 'peer', store: 'redis', start: ({ url }) => start(url) }]
