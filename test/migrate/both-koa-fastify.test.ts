import fastifyCookie from '@fastify/cookie'
import fastifySession from '@fastify/session'
import { RedisStore } from 'connect-redis'
import Fastify from 'fastify'
import Koa from 'koa'
import { createSession } from 'koa-session'
import { createClient } from 'redis'
import { fromFastifySession, type ExpressStore } from '../../src/migrate/fastify-session.ts'
import { fromKoaSession, type KoaStore } from '../../src/migrate/koa-session.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { breakable, describeAway, describeBoth, membersIn, type OldSide } from './both-applications.ts'
import { filled, listening } from './two-applications.ts'

const secret = 'a secret with minimum length of 32 characters'

function koaStore(): Required<Omit<KoaStore, 'ids'>> {
  const rows = new Map<string, string>()
  return {
    get: async (key) => JSON.parse(rows.get(key) ?? 'null') as unknown,
    set: async (key, session) => void rows.set(key, JSON.stringify(session)),
    destroy: async (key) => void rows.delete(key),
  }
}

async function koaApplication(store: Required<Omit<KoaStore, 'ids'>>, ours: KoaStore, maxAge: number | 'session'): Promise<OldSide> {
  const app = new Koa()
  app.keys = [secret]
  app.use(createSession({ store: store as never, maxAge }, app))
  app.use(async (ctx) => {
    ctx.body = '{}'
    if (ctx.path === '/set') Object.assign(ctx['session'] as object, filled)
    else if (ctx.path === '/put') Object.assign(ctx['session'] as object, membersIn(ctx.url))
    else if (ctx.path === '/signout') Object.assign(ctx['session'] as object, { user: undefined })
    else if (ctx.path === '/logout' || ctx.path === '/login') ctx['session'] = ctx.path === '/logout' ? null : { user: 'eve' }
    else ctx.body = JSON.stringify(ctx['session'])
  })
  const server = await listening(app.callback())
  return { ...server, reader: (options) => fromKoaSession({ keys: [secret], store: ours, ...options }) }
}

for (const maxAge of [3_600_000, 'session'] as const) {
  describeBoth({
    title: `koa-session with a store, maxAge ${maxAge}`,
    start() {
      const store = koaStore()
      return koaApplication(store, store, maxAge)
    },
  })
}

describeAway({
  title: 'koa-session with a store',
  async start() {
    const store = koaStore()
    const away = breakable(store)
    return { ...(await koaApplication(store, away.store, 3_600_000)), broken: (is) => void (away.broken = is) }
  },
})

async function fastifyApplication(store: unknown, ours: ExpressStore, close: () => Promise<unknown>): Promise<OldSide> {
  const app = Fastify()
  await app.register(fastifyCookie)
  const cookie = { secure: false, maxAge: 3_600_000 }
  await app.register(fastifySession, { secret, cookie, store: store as never, saveUninitialized: false })
  app.get('/set', async (request) => (Object.assign(request.session, filled), {}))
  app.get('/put', async (request) => (Object.assign(request.session, membersIn(request.url)), {}))
  app.get('/signout', async (request) => (Object.assign(request.session, { user: undefined }), {}))
  app.get('/logout', async (request) => (await request.session.destroy(), {}))
  app.get('/login', async (request) => (await request.session.regenerate(), Object.assign(request.session, { user: 'eve' }), {}))
  app.get('/', async (request) => {
    const { cookie: _cookie, ...values } = request.session
    return values
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    url,
    reader: (options) => fromFastifySession({ secret, store: ours, ...options }),
    close: async () => void (await app.close(), await close()),
  }
}

const fastifyMemory = (): object => new (fastifySession as unknown as { MemoryStore: new () => object }).MemoryStore()

describeBoth({
  title: '@fastify/session, in its memory',
  start() {
    const store = fastifyMemory()
    return fastifyApplication(store, store as ExpressStore, async () => null)
  },
})

describeAway({
  title: '@fastify/session, in its memory',
  async start() {
    const store = fastifyMemory()
    const away = breakable(store)
    return {
      ...(await fastifyApplication(store, away.store as ExpressStore, async () => null)),
      broken: (is) => void (away.broken = is),
    }
  },
})

describeWith(['redis'], 'sessions in Redis', () => {
  for (const through of ['a client', 'the store itself']) {
    describeBoth({
      title: `@fastify/session with connect-redis, through ${through}`,
      async start() {
        const client = createClient({ url: await sharedServer('redis') })
        await client.connect()
        const store = new RedisStore({ client })
        return fastifyApplication(store, through === 'a client' ? client : store, () => client.close())
      },
    })
  }
})
