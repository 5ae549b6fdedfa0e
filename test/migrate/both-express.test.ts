import { RedisStore } from 'connect-redis'
import express from 'express'
import session, { MemoryStore } from 'express-session'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { fromExpressSession, type ExpressStore } from '../../src/migrate/express-session.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { breakable, describeAway, describeBoth, membersIn, type OldSide } from './both-applications.ts'
import { filled, listening } from './two-applications.ts'

const secret = 'keyboard cat'

/** Their application, and a reader of it through `ours`. */
async function application(
  store: session.Store,
  ours: ExpressStore,
  close: () => Promise<unknown>,
  { prefix, cookie = {} }: { readonly prefix?: string; readonly cookie?: session.CookieOptions } = {},
): Promise<OldSide> {
  const app = express()
  app.use(session({ secret, store, cookie, resave: false, saveUninitialized: false }))
  app.get('/set', (req, res) => void (Object.assign(req.session, filled), res.json({})))
  app.get('/put', (req, res) => void (Object.assign(req.session, membersIn(req.url)), res.json({})))
  app.get('/logout', (req, res) => void req.session.destroy(() => res.json({})))
  app.get('/signout', (req, res) => void (Object.assign(req.session, { user: undefined }), res.json({})))
  app.get('/login', (req, res) => {
    req.session.regenerate(() => void (Object.assign(req.session, { user: 'eve' }), res.json({})))
  })
  app.get('/', (req, res) => {
    const { cookie: _cookie, ...values } = req.session
    res.json(values)
  })
  const server = await listening(app)
  return {
    url: server.url,
    reader: (options) => fromExpressSession({ secret, store: ours, ...(prefix === undefined ? {} : { prefix }), ...options }),
    close: async () => void (await Promise.all([server.close(), close()])),
  }
}

const inMemory = (): Promise<OldSide> => {
  const store = new MemoryStore()
  return application(store, store, async () => null, { cookie: { maxAge: 3_600_000 } })
}

describeBoth({ title: 'express-session, MemoryStore', start: inMemory })

describeAway({
  title: 'express-session, MemoryStore',
  async start() {
    const store = new MemoryStore()
    const away = breakable(store)
    const old = await application(store, away.store, async () => null)
    return { ...old, broken: (is) => void (away.broken = is) }
  },
})

describeWith(['redis'], 'sessions in Redis', () => {
  const connected = async () => {
    const client = createClient({ url: await sharedServer('redis') })
    await client.connect()
    return client
  }

  describeBoth({
    title: 'connect-redis, through node-redis',
    async start() {
      const client = await connected()
      return application(new RedisStore({ client }), client, () => client.close(), { cookie: { maxAge: 3_600_000 } })
    },
  })

  describeBoth({
    title: 'connect-redis, through ioredis, under a prefix',
    async start() {
      const [client, other] = [await connected(), new Redis(await sharedServer('redis'))]
      const close = (): Promise<unknown> => Promise.all([client.close(), other.quit()])
      return application(new RedisStore({ client, prefix: 'both:' }), other, close, { prefix: 'both:' })
    },
  })

  describeBoth({
    title: 'connect-redis, through the store itself',
    async start() {
      const client = await connected()
      const store = new RedisStore({ client, prefix: 'itself:' })
      return application(store, store, () => client.close())
    },
  })

  describeAway({
    title: 'connect-redis, through node-redis',
    async start() {
      const client = await connected()
      const away = breakable(client)
      const old = await application(new RedisStore({ client }), away.store, () => client.close())
      return { ...old, broken: (is) => void (away.broken = is) }
    },
  })
})
