/** An application on another system's sessions and one on ours, both serving the same visitors for as long as the move takes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getSession, nodeSessions } from '../../src/adapters/node.ts'
import { createSessions, type MoveIn, type SessionEvent } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { Browser, filled, listening, type Listening } from './two-applications.ts'

type Values = Record<string, unknown>

/** What the reader of an old application is given. */
interface BothOptions {
  readonly map: (values: Values) => { values: Values; user: string | null }
  readonly dualWrite: { toOld: (values: Readonly<Values>, user: string | null) => Values }
  readonly sunset: string
}

/**
 * What an old application does, whatever it is built with: `/set` fills the session, `/` shows it, `/put?{…}` adds members, `/logout` destroys it,
 * `/signout` deletes its `user` and nothing else, `/login` begins a new session for `eve`.
 */
export interface OldSide {
  readonly url: string
  reader(options: BothOptions): MoveIn
  close(): Promise<void>
}

interface Both {
  readonly title: string
  start(): Promise<OldSide>
}

const options: BothOptions = {
  map: ({ user, ...values }) => ({ values, user: typeof user === 'string' ? user : null }),
  dualWrite: { toOld: (values, user) => (user === null ? values : { ...values, user }) },
  sunset: '2099-12-31',
}

/** Members as the query of a path says them. */
export function membersIn(url: string | undefined): Values {
  return JSON.parse(decodeURIComponent(url?.split('?')[1] ?? '%7B%7D')) as Values
}

interface OurSide extends Listening {
  readonly events: SessionEvent[]
  revokeUser(user: string): Promise<number>
}

async function ours(reader: MoveIn): Promise<OurSide> {
  const events: SessionEvent[] = []
  const sessions = createSessions<Values>({
    secret: 'a secret for both applications, longer than 32 bytes',
    store: memoryStore(),
    cookie: { name: 'ours', secure: false },
    moveIn: [reader],
    onEvent: (event) => events.push(event),
  })
  const server = await listening(
    nodeSessions(sessions, async (req, res) => {
      const session = await getSession<Values>(req)
      if (req.url === '/logout') session.destroy()
      if (req.url === '/count') session.update('count', (n) => Number(n ?? 0) + 1)
      if (req.url?.startsWith('/put')) for (const [key, value] of Object.entries(membersIn(req.url))) session.set(key, value)
      res.end(JSON.stringify(session.isNew ? {} : { user: session.user, ...Object.fromEntries(session) }))
    }),
  )
  const close = async (): Promise<void> => void (await Promise.all([server.close(), sessions.close()]))
  return { ...server, events, close, revokeUser: (user) => sessions.revokeUser(user) }
}

/** An old store that can be away, as our side sees it. */
export function breakable<T extends object>(store: T): { readonly store: T; broken: boolean } {
  const state = {
    broken: false,
    store: new Proxy(store, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...args: unknown[]): unknown =>
          state.broken ? Promise.reject(new Error('connection refused')) : (value.apply(target, args) as unknown)
      },
    }),
  }
  return state
}

/** Somebody goes to and fro between them. */
export function describeBoth({ title, start }: Both): void {
  describe(`side by side: ${title}`, () => {
    let [old, app] = [null as unknown as OldSide, null as unknown as OurSide]
    beforeAll(async () => {
      old = await start()
      app = await ours(old.reader(options))
    })
    afterAll(() => Promise.all([old.close(), app.close()]))

    const put = (side: { readonly url: string }, browser: Browser, members: Values): Promise<unknown> =>
      browser.get(`${side.url}/put?${encodeURIComponent(JSON.stringify(members))}`)
    const visitor = async (): Promise<Browser> => {
      const browser = new Browser()
      await browser.get(`${old.url}/set`)
      expect(await browser.get(app.url)).toEqual(filled)
      return browser
    }

    test('M-06 the old application reads what changes in ours, and keeps what it has set itself', async () => {
      const browser = await visitor()
      await put(old, browser, { theirs: { deep: [1] } })
      await put(app, browser, { cart: [], note: 'José', when: null })
      const both = { ...filled, cart: [], note: 'José', when: null, theirs: { deep: [1] } }
      expect(await browser.get(old.url)).toEqual(both)
      await put(old, browser, { more: 1 })
      await put(app, browser, { note: 'other' })
      expect(await browser.get(old.url)).toEqual({ ...both, more: 1, note: 'other' })
    })

    test('R-01 M-06 parallel changes in ours: the old application has them all', async () => {
      const browser = await visitor()
      await Promise.all(Array.from({ length: 10 }, () => new Browser(browser.jar).get(`${app.url}/count`)))
      expect(await browser.get(app.url)).toMatchObject({ count: 10 })
      expect(await browser.get(old.url)).toEqual({ ...filled, count: 10 })
    })

    test('M-06 M-03 a logout in ours is one there, and the copy of a cookie opens neither', async () => {
      const browser = await visitor()
      const copy = new Browser(browser.jar)
      await browser.get(`${app.url}/logout`)
      for (const one of [browser, copy]) {
        expect(await one.get(old.url)).toEqual({})
        expect(await one.get(app.url)).toEqual({})
      }
    })

    test('M-06 a logout there is one in ours, and the copy of a cookie opens neither', async () => {
      const browser = await visitor()
      const copy = new Browser(browser.jar)
      await browser.get(`${old.url}/logout`)
      for (const one of [copy, browser]) {
        expect(await one.get(app.url)).toEqual({})
        expect(await one.get(old.url)).toEqual({})
      }
      expect(app.events).toContainEqual(expect.objectContaining({ type: 'rejected', why: 'signed_out' }))
    })

    test('M-06 a logout there that only forgets who it was is one in ours; signed in anew, it is so in both', async () => {
      const browser = await visitor()
      await browser.get(`${old.url}/signout`)
      expect(await browser.get(app.url)).toEqual({ ...filled, user: null })
      await browser.get(`${old.url}/login`)
      expect(await browser.get(app.url)).toMatchObject({ user: 'eve' })
      expect(await browser.get(old.url)).toEqual({ user: 'eve' })
      await put(app, browser, { cart: ['hat'] })
      expect(await browser.get(old.url)).toEqual({ user: 'eve', cart: ['hat'] })
    })

    test('M-06 everything of a user is ended in both, though nobody has shown a cookie', async () => {
      const browser = await visitor()
      expect(await app.revokeUser('ada')).toBeGreaterThan(0)
      expect(await browser.get(old.url)).toEqual({})
      expect(await browser.get(app.url)).toEqual({})
    })
  })
}

/** The same old application, while its store is away for ours. */
export function describeAway({
  title,
  start,
}: {
  readonly title: string
  start(): Promise<OldSide & { broken(is: boolean): void }>
}): void {
  test(`side by side: ${title}: while the old store is away nothing is acknowledged, and nobody is signed out`, async () => {
    const old = await start()
    const app = await ours(old.reader(options))
    const browser = new Browser()
    await browser.get(`${old.url}/set`)
    await browser.get(app.url)
    old.broken(true)
    for (const path of ['/', '/count', '/logout']) await expect(browser.get(app.url + path)).rejects.toThrow('503')
    await expect(app.revokeUser('ada')).rejects.toMatchObject({ code: 'store_unavailable' })
    old.broken(false)
    expect(await browser.get(app.url)).toEqual(filled)
    expect(await browser.get(old.url)).toEqual(filled)
    await Promise.all([old.close(), app.close()])
  })
}
