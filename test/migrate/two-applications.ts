/** An application on another system's sessions and one on ours, both over HTTP, and a browser that goes from one to the other. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getSession, nodeSessions } from '../../src/adapters/node.ts'
import { createSessions, type MoveIn } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { hurried } from '../support/hurried.ts'

type Values = Record<string, unknown>

export interface Listening {
  readonly url: string
  close(): Promise<void>
}

export async function listening(listener: RequestListener): Promise<Listening> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export class Browser {
  readonly jar: Map<string, string>

  constructor(jar: ReadonlyMap<string, string> = new Map()) {
    this.jar = new Map(jar)
  }

  /** What the page answers, as JSON. */
  async get(url: string): Promise<unknown> {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { headers: { cookie } })
    const text = await response.text()
    if (!response.ok) throw new Error(`${url} answers ${response.status}: ${text}`)
    for (const line of response.headers.getSetCookie()) this.#receive(line)
    return JSON.parse(text) as unknown
  }

  #receive(line: string): void {
    const [pair = '', ...attributes] = line.split(/; ?/)
    const at = pair.indexOf('=')
    const expires = attributes.find((one) => /^expires=/i.test(one))?.slice(8)
    const over = attributes.some((one) => /^max-age=0$/i.test(one)) || (expires !== undefined && Date.parse(expires) < Date.now())
    if (over) this.jar.delete(pair.slice(0, at))
    else this.jar.set(pair.slice(0, at), pair.slice(at + 1))
  }
}

/** What an old application does with each path, whatever it is built with: `/set` signs in and fills a cart, `/` shows the session. */
export const filled: Values = { user: 'ada', cart: [{ sku: 'A1', qty: 2 }], name: 'José 山田', seen: 1 }

function signedIn({ user, ...values }: Values): { values: Values; user: string } {
  return { values, user: String(user) }
}

interface Seen {
  readonly id: string
  readonly user: string | null
  readonly isNew: boolean
  readonly values: Values
}

interface Old {
  /** With `/set` and `/`. */
  readonly url: string
  /** A reader of its sessions. */
  reader(options: Pick<MoveInOptions, 'keepOld' | 'map'>): MoveIn
  close(): Promise<void>
}

interface MoveInOptions {
  readonly keepOld?: boolean
  readonly map?: (values: Values) => { values: Values; user?: string | null }
}

interface Moving {
  readonly title: string
  start(): Promise<Old>
  /** Whether its sessions are in a store, so that they end there when they move. */
  readonly stored: boolean
  /** What its `/set` puts into a session, with a `user`. Default {@link filled}. */
  readonly holding?: Values
}

const secret = 'a secret for moving in, longer than 32 bytes'

async function ours(reader: MoveIn): Promise<Listening & { counts(): unknown }> {
  const sessions = createSessions<Values>({
    secret,
    store: memoryStore(),
    cookie: { name: 'ours', secure: false },
    moveIn: [reader],
    ...hurried,
  })
  const server = await listening(
    nodeSessions(sessions, async (req, res) => {
      const session = await getSession<Values>(req)
      if (req.url === '/logout') await session.destroy()
      const seen: Seen = { id: session.id, user: session.user, isNew: session.isNew, values: Object.fromEntries(session) }
      res.end(JSON.stringify(seen))
    }),
  )
  return {
    ...server,
    counts: () => sessions.moveInCounts(),
    close: async () => void (await Promise.all([server.close(), sessions.close()])),
  }
}

/** Somebody has a session in the old application and comes to ours. */
export function describeMove({ title, start, stored, holding = filled }: Moving): void {
  describe(title, () => {
    let old: Old
    beforeAll(async () => void (old = await start()))
    afterAll(() => old.close())

    const visitor = async (): Promise<Browser> => {
      const browser = new Browser()
      await browser.get(`${old.url}/set`)
      expect(await browser.get(`${old.url}/`)).toEqual(holding)
      return browser
    }

    test('M-03 S3.4 comes along with everything, once: after that the old cookie opens nothing', async () => {
      const app = await ours(old.reader({ map: signedIn }))
      const browser = await visitor()
      const thief = new Browser(browser.jar)
      const { user, ...values } = holding
      expect(await browser.get(app.url)).toMatchObject({ isNew: false, user, values })
      expect([...browser.jar.keys()]).toEqual(['ours'])
      expect(await browser.get(app.url)).toMatchObject({ isNew: false, user, values })
      expect(await new Browser(thief.jar).get(app.url)).toMatchObject({ isNew: true, user: null, values: {} })
      await browser.get(`${app.url}/logout`)
      expect(await new Browser(thief.jar).get(app.url)).toMatchObject({ isNew: true, user: null, values: {} })
      if (stored) expect(await thief.get(`${old.url}/`)).toEqual({})
      expect(app.counts()).toMatchObject([{ moved: 1, replayed: 2, refused: 0 }])
      await app.close()
    })

    test('M-04 twenty requests at once make one session', async () => {
      const app = await ours(old.reader({ map: signedIn }))
      const { jar } = await visitor()
      const browsers = Array.from({ length: 20 }, () => new Browser(jar))
      const seen = (await Promise.all(browsers.map((browser) => browser.get(app.url)))) as Seen[]
      expect(new Set(seen.map(({ id }) => id)).size).toBe(1)
      const { user, ...values } = holding
      for (const one of seen) expect(one).toMatchObject({ isNew: false, user, values })
      expect(browsers.filter((browser) => browser.jar.has('ours'))).toHaveLength(1)
      await app.close()
    })

    test('M-06 with keepOld both go on', async () => {
      const app = await ours(old.reader({ keepOld: true }))
      const browser = await visitor()
      expect(await browser.get(app.url)).toMatchObject({ values: holding })
      expect(await browser.get(`${old.url}/`)).toEqual(holding)
      expect(await browser.get(app.url)).toMatchObject({ values: holding })
      await app.close()
    })
  })
}
