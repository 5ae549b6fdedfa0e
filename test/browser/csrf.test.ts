/** The verdicts of test/http/csrf-matrix.ts, on the headers that a real browser sends. */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { getSession, nodeSessions } from '../../src/adapters/node.ts'
import { CoatcheckError } from '../../src/core/errors.ts'
import { createSessions } from '../../src/http/sessions.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { tables } from '../http/csrf-matrix.ts'
import { noBrowser } from '../support/browser.ts'
import { prerender, ways } from './ways.ts'
import { theWeb, Web } from './web.ts'

const app = 'https://app.example.com'

/** Who asks, and what the browser says of them. */
const pages = {
  'a page of our own': { origin: app, site: 'same-origin' },
  'a sibling host': { origin: 'https://blog.example.com', site: 'same-site' },
  'another site': { origin: 'https://evil.example', site: 'cross-site' },
  'a trusted one': { origin: 'https://partner.example', site: 'cross-site' },
} as const

interface Arrival {
  readonly method: string | undefined
  readonly site: string | undefined
  readonly origin: string | undefined
  readonly verdict: string
}

const sessions = createSessions<{ changes: string[] }>({
  secret: 'only the tests of verdicts use this secret',
  store: memoryStore(),
  // SameSite would keep most of these requests from having a session in the first place; here only the verdict does.
  cookie: { sameSite: 'none' },
  csrf: { trustedOrigins: [pages['a trusted one'].origin] },
})
let web: Web | null
let arrivals: Record<string, Arrival> = {}
/** The requests that came with the visitor's cookie. */
let carried: string[] = []

beforeAll(async () => {
  web = await Web.open({
    'app.example.com': nodeSessions(sessions, async (req, res) => {
      res.setHeader('content-type', 'text/html')
      const way = new URL(req.url ?? '/', app).searchParams.get('way')
      if (way === null) return void res.end('<!doctype html><title>app</title>')
      const verdict = await change(req, way)
      const { 'sec-fetch-site': site, origin, cookie } = req.headers
      arrivals[way] = { method: req.method, site: String(site), origin, verdict }
      if (cookie !== undefined) carried.push(way)
      res.writeHead(verdict === 'allowed' ? 200 : 403).end('<!doctype html>')
    }),
  })
})

beforeEach((context) => {
  if (web === null) context.skip(noBrowser)
})

afterEach(() => web?.empty())

afterAll(async () => {
  await web?.close()
  await sessions.close()
})

/** A handler that changes something on POST; the verdict on the request. */
async function change(req: { readonly method?: string | undefined }, way: string): Promise<string> {
  try {
    const session = await getSession<{ changes: string[] }>(req)
    if (req.method === 'POST') session.update('changes', (all) => [...(all ?? []), way])
    return 'allowed'
  } catch (error) {
    if (!(error instanceof CoatcheckError) || error.code !== 'csrf_refused') throw error
    return /\((.*?)\)/.exec(error.message)?.[1] ?? error.message
  }
}

/** Somebody with a session, who then looks at another page. */
async function visitorAt(origin: string): Promise<{ page: Page; changes: () => Promise<readonly string[] | undefined> }> {
  const { page, context } = await theWeb(web).visitor()
  await page.goto(app)
  await page.evaluate(async () => void (await fetch('/?way=first', { method: 'POST' })))
  arrivals = {}
  carried = []
  await page.goto(origin)
  const changes = async (): Promise<readonly string[] | undefined> => {
    const cookies = await context.cookies(app)
    return (await sessions.peek(cookies.map(({ name, value }) => `${name}=${value}`).join('; ')))?.get('changes')
  }
  return { page, changes }
}

const addressOf = (way: string): string => `${app}/?${new URLSearchParams({ way }).toString()}`

function verdictOn(method: string, origin: string | undefined, site: string): string {
  if (method === 'GET') return 'allowed'
  return tables.byHost.find((row) => row.origin === origin && row.site === site)?.expected ?? 'not in the matrix'
}

test.each(Object.entries(pages))('X-09 what %s makes the browser send is judged as the matrix says', async (_who, from) => {
  const { page, changes } = await visitorAt(from.origin)
  const expected = Object.fromEntries(
    Object.entries(ways).map(([name, { method, origin = from.origin, site = from.site }]): [string, Arrival] => {
      const sent = method === 'GET' ? undefined : origin
      return [name, { method, site, origin: sent, verdict: verdictOn(method, sent, site) }]
    }),
  )
  await page.evaluate(prerender, addressOf('prerender'))
  if (from.site !== 'cross-site') {
    // The browser made this request by itself; a page of another site cannot make it do so for our visitors.
    expected['prerender'] = { method: 'GET', site: 'none', origin: undefined, verdict: 'allowed' }
    await expect.poll(() => arrivals['prerender'], { timeout: 10_000 }).toBeDefined()
  }
  for (const [name, { run }] of Object.entries(ways)) await page.evaluate(run, addressOf(name))
  await expect.poll(() => arrivals, { timeout: 10_000 }).toEqual(expected)

  expect(carried).toContain('form')
  const happened = carried.filter((name) => expected[name]?.method === 'POST' && expected[name].verdict === 'allowed')
  expect(happened.length > 1).toBe(from.site === 'same-origin' || from.origin === pages['a trusted one'].origin)
  expect((await changes())?.toSorted()).toEqual(['first', ...happened].toSorted())
})
