import { randomUUID } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Server } from '../../scripts/servers/launch.ts'
import { startNginx } from '../../scripts/servers/nginx.ts'
import { startVarnish } from '../../scripts/servers/varnish.ts'
import { getSession, nodeSessions } from '../../src/adapters/node.ts'
import { createSessions, type Sessions } from '../../src/http/sessions.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { Browser } from '../../src/testing/adapter-contract/browser.ts'
import { listening } from '../adapters/harness.ts'
import { describeWith } from '../support/server.ts'

let sessions: Sessions
let upstream: Awaited<ReturnType<typeof listening>>
let port: number

beforeAll(async () => {
  sessions = createSessions({ secret: 'only the tests of caches use this secret', store: memoryStore(), cookie: { secure: false } })
  upstream = await listening(createServer(application))
  port = Number(new URL(upstream.url).port)
})

afterAll(async () => {
  await upstream.close()
  await sessions.close()
})

/** Answers that their application calls good for everybody, and that would be a leak if they were. */
const application: RequestListener = (req, res) =>
  nodeSessions(sessions, async () => {
    if (req.url !== '/silent') res.setHeader('Cache-Control', 'public, max-age=60')
    if (req.url === '/static') return void res.end('the same for all')
    const session = await getSession<{ name: string }>(req)
    if (req.url === '/begin') session.set('name', randomUUID())
    if (req.url === '/rotate') session.rotate()
    res.end(session.get('name') ?? 'nobody')
  })(req, res)

interface Reader {
  /** What the pages called him; one name, if all is well. */
  readonly names: readonly string[]
  readonly tokens: ReadonlySet<string>
  readonly hits: number
}

/** Somebody who reads the same pages as others, at the same time, through the same cache. */
async function reads(browser: Browser, pages: number): Promise<Reader> {
  const [names, tokens] = [new Set<string>(), new Set(browser.cookies.values())]
  let hits = 0
  for (let page = 0; page < pages; page++) {
    const path = ['/page', '/silent', '/static', '/rotate', '/page'][page % 5] ?? ''
    const answer = await browser.get(path)
    expect(answer.status).toBe(200)
    if (answer.header('x-cache') === 'HIT') hits++
    if (path !== '/static') names.add(answer.body)
    for (const token of browser.cookies.values()) tokens.add(token)
  }
  return { names: [...names], tokens, hits }
}

describeWith(['nginx', 'varnish'], 'H-07 behind a shared cache', () => {
  test.each<[string, boolean, () => Promise<Server>]>([
    ['nginx', true, () => startNginx(port)],
    ['Varnish', false, () => startVarnish(port)],
    ['Varnish that keeps private pages', true, () => startVarnish(port, { keepsPrivatePages: true })],
  ])(
    'H-07 %s gives nobody the page or the cookie of somebody else, in 500 requests of two people each',
    async (_name, keepsPrivatePages, start) => {
      const cache = await start()
      const stranger = new Browser(cache.url)
      const people = [new Browser(cache.url), new Browser(cache.url)] as const
      const strangersPages = async (): Promise<string[]> => {
        const answers = [await stranger.get('/page'), await stranger.get('/silent')]
        return answers.map(({ body }) => body)
      }
      try {
        for (let visit = 0; visit < 2; visit++) expect(await strangersPages()).toEqual(['nobody', 'nobody'])
        // One after the other: what the first was answered is what the second might be.
        for (const one of people) await one.get('/begin')
        const [ann, bob] = await Promise.all([reads(people[0], 500), reads(people[1], 500)])
        expect([ann.names.length, bob.names.length]).toEqual([1, 1])
        expect(ann.names).not.toEqual(bob.names)
        expect([...ann.tokens].filter((token) => bob.tokens.has(token))).toEqual([])
        expect(ann.tokens.size).toBeGreaterThan(50)
        expect(await strangersPages()).toEqual(['nobody', 'nobody'])
        // It was a cache, and it was asked.
        await stranger.get('/static')
        expect((await stranger.get('/static')).header('x-cache')).toBe('HIT')
        expect(ann.hits > 0 && bob.hits > 0).toBe(keepsPrivatePages)
      } finally {
        for (const one of [stranger, ...people]) one.close()
        await cache.stop()
      }
    },
  )
})
