/** Signing out, in a real browser. */
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { getSession, nodeSessions } from '../../src/adapters/node.ts'
import { createSessions, type Sessions } from '../../src/http/sessions.ts'
import type { CookieOptions } from '../../src/http/cookie.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { noBrowser } from '../support/browser.ts'
import { theWeb, Web } from './web.ts'

/** The application with each cookie it may have: for the whole host, for a part of it, for several hosts. */
const cookies: Record<string, CookieOptions> = {
  'shop.example.com': {},
  'part.example.com': { path: '/app' },
  'all.example.com': { domain: 'example.com' },
}
const houses = Object.entries(cookies).map(([host, cookie]) => ({ host, sessions: sessionsWith(cookie) }))
let served = 0
let web: Web | null

beforeAll(async () => {
  web = await Web.open(Object.fromEntries(houses.map(({ host, sessions }) => [host, application(sessions)])))
})

beforeEach((context) => {
  if (web === null) context.skip(noBrowser)
})

afterEach(() => web?.empty())

afterAll(async () => {
  await web?.close()
  await Promise.all(houses.map(({ sessions }) => sessions.close()))
})

function sessionsWith(cookie: CookieOptions): Sessions {
  return createSessions({ secret: 'only the tests of signing out use this secret', store: memoryStore(), cookie })
}

/** Any path ending in `/sign-in` or `/sign-out` does so, `/account` may be kept by the browser for an hour. */
function application(sessions: Sessions): ReturnType<typeof nodeSessions> {
  return nodeSessions(sessions, async (req, res) => {
    res.setHeader('content-type', 'text/html')
    if (req.url === '/account') {
      res.setHeader('cache-control', 'max-age=3600')
      return void res.end(`account ${++served}`)
    }
    const session = await getSession(req)
    if (req.url?.endsWith('/sign-in')) session.signIn('ann')
    if (req.url?.endsWith('/sign-out')) {
      session.destroy()
      res.setHeader('Clear-Site-Data', '"cache", "storage"')
    }
    res.end(`<!doctype html><p>${session.user ?? 'nobody'}</p>`)
  })
}

async function visitor(): Promise<{ page: Page; context: BrowserContext; says: (url: string) => Promise<string> }> {
  const { page, context } = await theWeb(web).visitor()
  const says = async (url: string): Promise<string> => {
    await page.goto(url)
    return page.locator('p').innerText()
  }
  return { page, context, says }
}

test.each(Object.keys(cookies))('S4.5 S1.8 on %s the cookie goes with the session, wherever each was made and ended', async (host) => {
  const { page, context, says } = await visitor()
  await says(`https://${host}/app`)
  const get = (path: string): Promise<string> => page.evaluate(async (url) => (await fetch(url)).text(), path)
  for (const [from, to] of [
    ['/app', '/app/deep/er'],
    ['/app/deep/er', '/app'],
    ['/app/x%20y/', '/app/deep/'],
  ] as const) {
    await get(`${from}/sign-in`)
    expect(await context.cookies(`https://${host}/app`)).toHaveLength(1)
    await get(`${to}/sign-out`)
    expect(await context.cookies()).toEqual([])
  }
  expect(await says(`https://${host}/app/deep/er`)).toBe('nobody')
})

test('H-10 signing out with Clear-Site-Data leaves nothing of the visitor in the browser, and other cookies alone', async () => {
  const shop = 'https://shop.example.com'
  const { page, context, says } = await visitor()
  await says(`${shop}/sign-in`)
  const account = (): Promise<string> => page.evaluate(async () => (await fetch('/account')).text())
  await page.evaluate(() => {
    localStorage.setItem('draft', 'to my lawyer')
    document.cookie = 'theme=dark; Secure; Path=/'
  })
  const before = [await account(), await account()]
  expect(before[0]).toBe(before[1])

  await says(`${shop}/sign-out`)
  expect((await context.cookies()).map(({ name }) => name)).toEqual(['theme'])
  expect(await page.evaluate(() => localStorage.length)).toBe(0)
  expect(await account()).not.toBe(before[0])
  expect(await says(shop)).toBe('nobody')
})
