/** Signing in, in a real browser: answers that cross, and sites that would rather sign somebody else in. */
import { createServer, type RequestListener } from 'node:http'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { getSession, nodeSessions } from '../../src/adapters/node.ts'
import { createSessions, type Sessions } from '../../src/http/sessions.ts'
import type { CookieOptions } from '../../src/http/cookie.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { listening } from '../adapters/harness.ts'
import { noBrowser } from '../support/browser.ts'
import { HeldLine } from './held-line.ts'
import { theWeb, Web } from './web.ts'

const shop = 'https://shop.example.com'
const line = new HeldLine()
const house = sessionsWith({})
/** The same application, with a cookie that sibling hosts may write too. */
const plainNamed = sessionsWith({ name: 'session' })
let web: Web | null
let server: Awaited<ReturnType<typeof listening>>

beforeAll(async () => {
  server = await listening(createServer(application(house)))
  web = await Web.open({
    'shop.example.com': line.to(Number(new URL(server.url).port)),
    'plain.example.com': application(plainNamed),
  })
})

beforeEach((context) => {
  if (web === null) context.skip(noBrowser)
})

afterEach(() => web?.empty())

afterAll(async () => {
  await web?.close()
  await server.close()
  await Promise.all([house.close(), plainNamed.close()])
})

function sessionsWith(cookie: CookieOptions): Sessions {
  return createSessions({ secret: 'only the tests of signing in use this secret', store: memoryStore(), cookie })
}

/** `/` says who is signed in and with what; POST to `/sign-in…?ann` signs ann in, POST to `/rotate` rotates. */
function application(sessions: Sessions): RequestListener {
  return nodeSessions(sessions, async (req, res) => {
    const session = await getSession(req)
    const { pathname, search } = new URL(req.url ?? '/', shop)
    if (req.method === 'POST' && pathname.startsWith('/sign-in')) session.signIn(search.slice(1))
    if (req.method === 'POST' && pathname === '/rotate') session.rotate({ grace: 0 })
    if (req.method === 'POST' && pathname === '/card') session.set('card', search.slice(1))
    res.setHeader('content-type', 'text/html')
    res.end(`<!doctype html><p>${session.user ?? 'nobody'} ${String(session.get('card') ?? 'has no card')}</p>`)
  })
}

async function visitor(): Promise<{
  page: Page
  context: BrowserContext
  post: (path: string) => Promise<string>
  says: (url?: string) => Promise<string>
}> {
  const { page, context } = await theWeb(web).visitor()
  const post = (path: string): Promise<string> => page.evaluate(async (url) => (await fetch(url, { method: 'POST' })).text(), path)
  const says = async (url = shop): Promise<string> => {
    await page.goto(url)
    return page.locator('p').innerText()
  }
  await says()
  return { page, context, post, says }
}

describe.each([
  ['in the order of the requests', [0, 1]],
  ['the other way round', [1, 0]],
] as const)('R-05 two answers with different cookies, %s', (_title, order) => {
  /** Sends both, the second while the first is on its way back, and lets the answers in. */
  async function crossing(paths: readonly [string, string]): Promise<{ cookies: unknown[]; says: () => Promise<string> }> {
    const { post, says } = await visitor()
    await post('/sign-in?ann')
    const holds = paths.map((path) => line.hold(path))
    const sent: Promise<string>[] = []
    const cookies: unknown[] = []
    for (const [n, path] of paths.entries()) {
      sent.push(post(path))
      cookies.push((await holds[n]?.answered)?.headers['set-cookie'])
    }
    for (const n of order) {
      holds[n]?.release()
      await sent[n]
    }
    return { cookies, says }
  }

  test('R-05 a rotation, and a request with the old cookie that had to be given a new one: still signed in', async () => {
    const { cookies, says } = await crossing(['/rotate', '/'])
    expect(new Set(cookies.map(String)).size).toBe(2)
    expect(cookies).toEqual([[expect.stringMatching(/^__Host-session=t1/)], [expect.stringMatching(/^__Host-session=t1/)]])
    for (let visit = 0; visit < 3; visit++) expect(await says()).toMatch(/^ann /)
  })

  test('R-05 a sign-in pressed twice: signed in', async () => {
    const { cookies, says } = await crossing(['/sign-in-1?ann', '/sign-in-2?ann'])
    expect(cookies).toEqual([[expect.stringMatching(/^__Host-session=t1/)], [expect.stringMatching(/^__Host-session=t1/)]])
    for (let visit = 0; visit < 3; visit++) expect(await says()).toMatch(/^ann /)
  })
})

test.each(['https://evil.example', 'https://blog.example.com'])('X-07 a page of %s signs nobody in as somebody else', async (origin) => {
  const { page, context, says } = await visitor()
  await page.goto(origin)
  const answered = page.waitForResponse(`${shop}/sign-in?mallory`)
  await page.evaluate((action) => {
    const form = Object.assign(document.createElement('form'), { method: 'POST', action })
    document.body.append(form)
    form.submit()
  }, `${shop}/sign-in?mallory`)
  expect((await answered).status()).toBe(403)
  await page.waitForURL(`${shop}/**`)
  expect(await context.cookies()).toEqual([])
  expect(await says()).toBe('nobody has no card')
})

describe('X-07 a sibling host that plants its own session', () => {
  /** Mallory's session with her card in it, as the attacker on the sibling host hands it to everybody. */
  async function planted(sessions: Sessions, attributes: string): Promise<string> {
    const visit = sessions.visit({ method: 'GET', header: () => undefined })
    const session = await visit.session()
    session.set('card', 'mallory-card')
    session.signIn('mallory')
    const [cookie = ''] = (await visit.commit()).setCookies
    return `${cookie.split(';')[0]}; Domain=example.com; Secure; ${attributes}`
  }

  async function plant(page: Page, cookie: string): Promise<void> {
    await page.goto('https://blog.example.com')
    await page.evaluate((text) => void (document.cookie = text), cookie)
  }

  test('X-07 the browser does not take it: the name begins with __Host-', async () => {
    const { page, context, says, post } = await visitor()
    for (const attributes of ['Path=/', 'Path=/sign-in', '']) await plant(page, await planted(house, attributes))
    expect(await context.cookies()).toEqual([])
    expect(await says()).toBe('nobody has no card')
    await post('/sign-in?ann')
    expect(await says()).toBe('ann has no card')
  })

  test.each(['Path=/', 'Path=/sign-in'])('X-07 under a name without the prefix it does not show after sign-in (%s)', async (attributes) => {
    const plain = 'https://plain.example.com'
    const { page, context, says, post } = await visitor()
    const cookie = await planted(plainNamed, attributes)
    await plant(page, cookie)
    expect(await context.cookies(`${plain}/sign-in`)).toHaveLength(1)
    await says(plain)
    expect(await post('/sign-in?ann')).toBe('<!doctype html><p>ann has no card</p>')
    for (const path of ['/', '/sign-in', '/card']) expect(await says(plain + path), path).not.toMatch(/mallory/)
    await post('/card?ann-card')
    const hers = await plainNamed.peek(cookie.split(';')[0])
    expect(hers?.get('card')).not.toBe('ann-card')
  })
})
