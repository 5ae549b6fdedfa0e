/** express-session itself, on Express 5 over HTTP, with our stores behind it. */
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express, { type Express } from 'express'
import session from 'express-session'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { SessionStore } from '../../src/index.ts'
import { asExpressStore, type ExpressSessionStore } from '../../src/stores/express-store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { failingStore } from '../../src/testing/failing-store.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { counted } from '../support/backends.ts'

declare module 'express-session' {
  interface SessionData {
    n: number
    user: string
  }
}

const folder = mkdtempSync(join(tmpdir(), 'coatcheck-express-'))
afterAll(() => rmSync(folder, { recursive: true }))

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Ids of the store that cannot walk its rows. */
const seen = new Set<string>()

/** Stores that can do all, and one that can do only what it must. */
const stores: Record<string, () => SessionStore> = {
  memory: memoryStore,
  sqlite: () => sqliteStore({ file: join(folder, `${crypto.randomUUID()}.db`) }),
  least() {
    const { get, put, delete: remove, guarantees } = memoryStore()
    seen.clear()
    const noted: typeof put = (row, expected) => (seen.add(row.id), put(row, expected))
    return { get, put: noted, delete: remove, guarantees: { ...guarantees, userIndex: false } }
  },
}

interface Site {
  readonly store: ExpressSessionStore
  readonly ours: ReturnType<typeof counted>
  /** Asks for a page with the cookies of a jar, and keeps what is set. */
  get(path: string, jar?: Map<string, string>): Promise<{ status: number; text: string }>
}

/** Lets a request wait in the middle until a test says go. */
const gates = new Map<string, { arrived(): void; go: Promise<void> }>()

function gate(name: string): { arrived: Promise<void>; open(): void } {
  const arrived = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  gates.set(name, { arrived: arrived.resolve, go: go.promise })
  return { arrived: arrived.promise, open: go.resolve }
}

function pages(app: Express): void {
  app.get('/count', (req, res) => {
    req.session.n = (req.session.n ?? 0) + 1
    res.send(`${req.session.n}`)
  })
  app.get('/read', (req, res) => void res.send(`${req.session.n ?? 'none'}`))
  app.get('/expires', (req, res) => void res.send(`${req.session.cookie.expires?.getTime()}`))
  app.get('/slow/:gate', async (req, res) => {
    const waiting = gates.get(req.params.gate)
    req.session.n = 100
    waiting?.arrived()
    await waiting?.go
    res.send('slow')
  })
  app.get('/logout', (req, res, next) => void req.session.destroy((error: unknown) => (error ? next(error) : res.send('bye'))))
  app.get('/login', (req, res, next) => {
    req.session.regenerate((error: unknown) => {
      if (error) return next(error)
      req.session.user = 'ann'
      res.send(`${req.session.n ?? 'empty'} ${req.sessionID}`)
    })
  })
  app.get('/reload', (req, res, next) => {
    req.session.n = 1_000
    req.session.reload((error: unknown) => (error ? next(error) : res.send(`${req.session.n}`)))
  })
  app.get('/save-often', async (req, res) => {
    const save = (): Promise<unknown> => new Promise((done) => req.session.save(done))
    const errors = []
    for (const n of [1, 2, 3]) {
      req.session.n = n
      errors.push(save())
    }
    const all = await Promise.all(errors)
    req.session.n = 4
    res.send(`${[...all, await save()].map((error) => String(error ?? 'fine')).join()}`)
  })
}

async function serve(ours: SessionStore, options: Partial<session.SessionOptions> = {}, clock = Date.now): Promise<Site> {
  const watched = counted(ours)
  const store = asExpressStore(watched, { clock })
  const app = express()
  app.use(session({ secret: 'keyboard cat', resave: false, saveUninitialized: false, cookie: { maxAge: 3_600_000 }, ...options, store }))
  pages(app)
  app.use((error: { status?: number; code?: string }, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    res.status(error.status ?? 500).send(error.code ?? String(error))
  })
  const server = app.listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  closing.push(
    () => store.close(),
    () => new Promise((closed) => server.close(closed)),
    () => server.closeAllConnections(),
  )
  const { port } = server.address() as AddressInfo
  return {
    store,
    ours: watched,
    async get(path, jar = new Map()) {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie } })
      for (const set of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
        jar.set(name, value)
      }
      return { status: response.status, text: await response.text() }
    },
  }
}

describe.each(Object.entries(stores))('express-session on %s', (_name, open) => {
  test('S1.1 counts visits', async () => {
    const { get } = await serve(open())
    const jar = new Map<string, string>()
    for (const text of ['1', '2', '3']) expect(await get('/count', jar)).toEqual({ status: 200, text })
    expect(await get('/read', jar)).toEqual({ status: 200, text: '3' })
    expect(await get('/read')).toEqual({ status: 200, text: 'none' })
  })

  test('T-04 the session id is nowhere in the store', async () => {
    const { get, ours } = await serve(open())
    const jar = new Map<string, string>()
    await get('/count', jar)
    const sid = decodeURIComponent(jar.get('connect.sid') ?? '').slice(2, 34)
    expect(sid).toMatch(/^[A-Za-z0-9_-]{32}$/)
    const put = JSON.stringify(await rowsOf(ours))
    expect(put).toContain('express-session 1')
    expect(put).not.toContain(sid)
  })

  test('L-01 a session that was regenerated is empty and new, and the old one is over', async () => {
    const { get } = await serve(open())
    const jar = new Map<string, string>()
    await get('/count', jar)
    const before = new Map(jar)
    expect((await get('/login', jar)).text).toMatch(/^empty /)
    expect(jar.get('connect.sid')).not.toBe(before.get('connect.sid'))
    expect((await get('/read', before)).text).toBe('none')
  })

  test.each([false, true])('R-02 a slow request does not bring a destroyed session back (resave: %s)', async (resave) => {
    const { get, store } = await serve(open(), { resave })
    for (const end of ['/logout', '/login']) {
      const jar = new Map<string, string>()
      await get('/count', jar)
      const { arrived, open: go } = gate('slow')
      const slow = get('/slow/slow', new Map(jar))
      await arrived
      await get(end, new Map(jar))
      go()
      expect(await slow).toEqual({ status: 200, text: 'slow' })
      expect((await get('/read', jar)).text).toBe('none')
    }
    // The one that `/login` made.
    if (store.length !== undefined) expect(await store.length()).toBe(1)
  })

  test('two requests at once: the later save wins, and neither fails', async () => {
    const { get } = await serve(open())
    const jar = new Map<string, string>()
    await get('/count', jar)
    const { arrived, open: go } = gate('slow')
    const slow = get('/slow/slow', jar)
    await arrived
    expect(await get('/count', jar)).toEqual({ status: 200, text: '2' })
    go()
    expect(await slow).toEqual({ status: 200, text: 'slow' })
    expect((await get('/read', jar)).text).toBe('100')
  })

  test('reload gives what is stored; a session may be saved often, and at once', async () => {
    const { get } = await serve(open())
    const jar = new Map<string, string>()
    await get('/count', jar)
    expect(await get('/reload', jar)).toEqual({ status: 200, text: '1' })
    expect((await get('/save-often', jar)).text).toBe('fine,fine,fine,fine')
    expect((await get('/read', jar)).text).toBe('4')
    const fresh = new Map<string, string>()
    expect((await get('/save-often', fresh)).text).toBe('fine,fine,fine,fine')
    expect((await get('/read', fresh)).text).toBe('4')
  })

  test('L-05 L-06 a session lives as long as its cookie, and a visit moves that', async () => {
    let nowMs = Date.now()
    const { get, ours } = await serve(open(), {}, () => nowMs)
    const jar = new Map<string, string>()
    await get('/count', jar)
    const [first] = await rowsOf(ours)
    expect(Math.abs((first?.expiresAt ?? 0) - nowMs - 3_600_000)).toBeLessThan(1_000)
    await new Promise((resolve) => setTimeout(resolve, 20))
    await get('/read', jar)
    const [second] = await rowsOf(ours)
    expect(second?.expiresAt).toBeGreaterThan(first?.expiresAt ?? 0)
    expect(second?.body).toBe(first?.body)
    expect((await get('/expires', jar)).text).toBe(`${second?.expiresAt}`)
    nowMs += 3_590_000
    expect((await get('/read', jar)).text).toBe('1')
    nowMs += 20_000
    expect((await get('/read', jar)).text).toBe('none')
  })

  test('a cookie that lives as long as the browser is kept for ttlMs', async () => {
    const { get, ours } = await serve(open(), { cookie: {} })
    const jar = new Map<string, string>()
    await get('/count', jar)
    await get('/count', jar)
    const [row] = await rowsOf(ours)
    expect(Math.abs((row?.expiresAt ?? 0) - Date.now() - 86_400_000)).toBeLessThan(5_000)
    expect(row?.body).toContain('"expires":null')
  })

  test('a visit reads once, and writes or touches once', async () => {
    const { get, ours } = await serve(open())
    const jar = new Map<string, string>()
    await get('/count', jar)
    expect(ours.calls.splice(0)).toEqual(['put'])
    await get('/count', jar)
    expect(ours.calls.splice(0)).toEqual(['get', 'put'])
    await get('/read', jar)
    expect(ours.calls.splice(0)).toEqual(ours.touch === undefined ? ['get', 'get', 'put'] : ['get', 'touch'])
  })
})

/** Looks into a store, whatever it can do. */
async function rowsOf(ours: SessionStore & { calls: string[] }): Promise<{ id: string; body: string; expiresAt: number }[]> {
  const ids = ours.scan === undefined ? [...seen] : (await ours.scan(null, 100)).ids
  const rows = await Promise.all(ids.map((id) => ours.get(id)))
  ours.calls.length = 0
  return rows.filter((row) => row !== null)
}

describe('asExpressStore', () => {
  test('F-02 F-03 what fails is an error with a status, for express-session to pass on', async () => {
    const { store, fault, heal } = failingStore(memoryStore())
    const { get } = await serve(store)
    const jar = new Map<string, string>()
    await get('/count', jar)
    fault('get', 'fail')
    expect(await get('/read', jar)).toEqual({ status: 503, text: 'store_unavailable' })
    heal()
    fault('delete', 'fail')
    expect(await get('/logout', jar)).toEqual({ status: 503, text: 'store_unavailable' })
    heal()
    expect((await get('/read', jar)).text).toBe('1')
  })

  test('P-05 rows of somebody else are no sessions', async () => {
    const ours = memoryStore()
    const { get, store } = await serve(ours)
    const jar = new Map<string, string>()
    await get('/count', jar)
    const [id = ''] = (await ours.scan?.(null, 10))?.ids ?? []
    const mine = (await ours.get(id)) ?? { body: '' }
    const strange = ['', 'junk', `express-session 1 ${id}\n`, `express-session 1 ${id}\n{"n":1}`, `express-session 1 ${id}\n[]`]
    for (const body of [...strange, `express-session 1 ${id}\nnull`, mine.body.replace(id, id.replaceAll(/./g, 'x'))]) {
      const { version = null } = (await ours.get(id)) ?? {}
      await ours.put({ id, body, user: null, expiresAt: Date.now() + 60_000 }, version)
      expect((await get('/read', new Map(jar))).text, body).toBe('none')
    }
    expect(await store.all?.()).toEqual([])
  })

  test('all, length and clear see sessions of express-session that live, and no others', async () => {
    const ours = memoryStore({ clock: () => 0 })
    const { get, store } = await serve(ours)
    for (let n = 0; n < 4; n++) await get('/count')
    const [id = ''] = (await ours.scan?.(null, 10))?.ids ?? []
    const { version = null, ...row } = (await ours.get(id)) ?? { id, body: '', user: null }
    await ours.put({ ...row, expiresAt: Date.now() - 1 }, version)
    const other = { id: 'x'.repeat(24), body: '{"v":1}', user: 'ann', expiresAt: Date.now() + 60_000 }
    await ours.put(other, null)
    expect(await store.length?.()).toBe(3)
    expect((await store.all?.<{ n: number }>()) as unknown[]).toMatchObject([{ n: 1 }, { n: 1 }, { n: 1 }])
    await store.clear?.()
    expect((await ours.scan?.(null, 10))?.ids).toEqual([other.id])
    const least = asExpressStore({ ...ours, scan: undefined } as never)
    expect([least.all, least.length, least.clear]).toEqual([undefined, undefined, undefined])
  })

  test('load gives a session outside of a request', async () => {
    const { get, store } = await serve(memoryStore())
    const jar = new Map<string, string>()
    await get('/count', jar)
    const sid = decodeURIComponent(jar.get('connect.sid') ?? '').slice(2, 34)
    const loaded = await new Promise<(session.Session & { n?: number }) | undefined>((resolve, reject) =>
      store.load<session.Session & { n?: number }>(sid, (error, one) => (error ? reject(error as Error) : resolve(one))),
    )
    expect([loaded?.n, loaded?.id, loaded?.cookie.originalMaxAge]).toEqual([1, sid, 3_600_000])
    expect(loaded?.cookie.expires).toBeInstanceOf(Date)
    expect(await new Promise((resolve) => store.load('nobody', (_error, one) => resolve(one)))).toBeUndefined()
  })

  test('plain objects may be set, over what is there too; without a callback there is a promise', async () => {
    const store = asExpressStore(memoryStore())
    closing.push(() => store.close())
    for (const n of [1, 2]) await store.set('some sid', { cookie: {}, n })
    expect(await store.get('some sid')).toEqual({ cookie: {}, n: 2 })
    await store.destroy('some sid')
    expect(await store.get('some sid')).toBeNull()
  })

  test('D-06 expired rows are dropped, until it is closed', async () => {
    const time = fakeClock()
    const swept: number[] = []
    const store = asExpressStore(
      {
        ...memoryStore(),
        sweep: async (now) => {
          swept.push(now)
          if (swept.length === 2) throw new Error('away')
          return swept.length === 1 ? 500 : 0
        },
      },
      { clock: time.clock, timers: time.timers },
    )
    for (const ms of [60_000, 50, 60_000, 60_000]) {
      time.advance(ms)
      await new Promise(setImmediate)
    }
    const start = time.clock() - 180_050
    expect(swept.map((now) => now - start)).toEqual([60_000, 60_050, 120_050, 180_050])
    await store.close()
    expect(time.pending).toBe(0)
  })

  test('options', () => {
    expect(() => asExpressStore(new session.MemoryStore() as never)).toThrow('sqliteStore')
    expect(() => asExpressStore(memoryStore(), { ttl: 1 } as never)).toThrow('no option ttl')
    expect(() => asExpressStore(memoryStore(), { ttlMs: 0 })).toThrow('ttlMs')
    expect(() => asExpressStore(memoryStore()).createSession({}, { cookie: {} })).toThrow('session({ store })')
  })
})
