import assert from 'node:assert/strict'
import { CoatcheckError } from '../../core/errors.ts'
import type { Session } from '../../core/session.ts'
import type { Case } from './cases.ts'
import { cookieName, counter, expectCount, type Handler, reply, type Routes, Site, sleep } from './site.ts'

// Long enough that an answer which does not wait is there first, on any machine.
const slowMs = 50

/** What has happened before the first byte, and before the last. */
export const deliveryCases: readonly Case[] = [
  ...(['/stream', '/sse', '/204', '/304', '/redirect', '/empty', '/large'] as const).map((path): Case => ({
    name: `H-04 the session is stored and its cookie on the head before the first byte: ${path.slice(1)}`,
    run: (serve) => Site.open(serve, kinds, (site) => headCase(site, 'GET', path)),
  })),
  {
    name: 'H-04 the session is stored and its cookie on the head before the first byte: HEAD',
    run: (serve) => Site.open(serve, kinds, (site) => headCase(site, 'HEAD', '/large')),
  },
  {
    name: 'H-04 an edit made while the body streams is stored before the body ends',
    run: (serve) =>
      Site.open(serve, { ...counter, '/late': late }, async (site) => {
        const browser = site.browser()
        await browser.get('/write')
        site.store.delayMs = slowMs
        const puts = site.store.count('put')
        const answer = await browser.get('/late')
        assert.equal(site.store.count('put'), puts + 1)
        assert.deepEqual([answer.body, answer.setCookies], ['begin,end', []])
        site.store.delayMs = 0
        await expectCount(browser, 41)
      }),
  },
  ...(['set', 'signIn', 'rotate', 'destroy'] as const).map((what): Case => ({
    name: `H-04 what needs a cookie after the head has left throws headers_sent, and leaves no row: ${what}`,
    run: (serve) => Site.open(serve, { ...counter, '/too-late': tooLate(what) }, (site) => tooLateCase(site, what)),
  })),
  ...(['signIn', 'rotate', 'destroy'] as const).map((what): Case => ({
    name: `H-04 what needs a cookie while the session is being stored throws headers_sent, and the ticket in hand stays good: ${what}`,
    run: (serve) => Site.open(serve, { ...counter, '/meanwhile': tooLate(what, true) }, meanwhileCase),
  })),
  {
    name: 'H-08 a client that leaves in the middle of the body: one commit, and the server goes on',
    run: (serve) =>
      Site.open(serve, { ...counter, '/long': long }, async (site) => {
        const browser = site.browser()
        await assert.rejects(browser.get('/long', { cut: 'head' }))
        await sleep(slowMs)
        assert.deepEqual([site.store.count('put'), site.store.rows.size], [1, 1])
        assert.equal((await site.browser().get('/write')).body, '1')
      }),
  },
  {
    name: 'H-08 a client that leaves before the answer: the edits of the finished handler are stored once',
    run: (serve) =>
      Site.open(serve, { ...counter, '/wait': wait }, async (site) => {
        const browser = site.browser()
        await browser.get('/write')
        await assert.rejects(browser.get('/wait', { cut: 10 }))
        await sleep(4 * slowMs)
        assert.equal(site.store.count('put'), 2)
        await expectCount(browser, 2)
      }),
  },
  {
    name: 'H-09 an answer that has arrived is stored: head and body wait for the store (R-06)',
    run: (serve) =>
      Site.open(serve, counter, async (site) => {
        const browser = site.browser()
        site.store.delayMs = slowMs
        for (let n = 1; n <= 3; n++) {
          let storedAtHead = 0
          const answer = await browser.get('/write', { onHead: () => (storedAtHead = versions(site)) })
          assert.deepEqual([answer.body, storedAtHead], [String(n), n])
        }
      }),
  },
]

const cookieThen =
  (answer: Handler): Handler =>
  async (exchange) => {
    ;(await exchange.session()).set('n', 40)
    return answer(exchange)
  }

async function* two(): AsyncGenerator<string> {
  yield 'data: begin\n\n'
  await sleep(5)
  yield 'data: end\n\n'
}

const kinds: Routes = {
  '/stream': cookieThen(async (exchange) => exchange.stream(200, { 'content-type': 'text/plain' }, two())),
  '/sse': cookieThen(async (exchange) => exchange.stream(200, { 'content-type': 'text/event-stream' }, two())),
  '/204': cookieThen(async (exchange) => exchange.reply(204, {}, '')),
  '/304': cookieThen(async (exchange) => exchange.reply(304, { etag: '"x"' }, '')),
  '/redirect': cookieThen(async (exchange) => exchange.redirect(302, '/elsewhere')),
  '/empty': cookieThen(async (exchange) => exchange.reply(200, {}, '')),
  '/large': cookieThen(async (exchange) => exchange.reply(200, { 'content-type': 'text/plain' }, 'x'.repeat(300_000))),
}

const bodies: Readonly<Record<string, string>> = {
  '/stream': 'data: begin\n\ndata: end\n\n',
  '/sse': 'data: begin\n\ndata: end\n\n',
  '/large': 'x'.repeat(300_000),
}
const statuses: Readonly<Record<string, number>> = { '/204': 204, '/304': 304, '/redirect': 302 }

async function headCase(site: Site, method: string, path: string): Promise<void> {
  site.store.delayMs = slowMs
  let rowsAtHead = 0
  const answer = await site.browser().send(method, path, { onHead: () => (rowsAtHead = site.store.rows.size) })
  assert.equal(answer.status, statuses[path] ?? 200)
  assert.equal(answer.setCookies.length, 1)
  assert.ok(answer.setCookies[0]?.startsWith(`${cookieName}=`))
  assert.equal(rowsAtHead, 1)
  assert.equal(site.store.count('put'), 1)
  if (method !== 'HEAD' && path !== '/redirect') assert.equal(answer.body, bodies[path] ?? '')
  if (path === '/redirect') assert.match(answer.header('location'), /\/elsewhere$/)
}

const versions = (site: Site): number => Math.max(0, ...[...site.store.rows.values()].map((row) => Number(row.version)))

const late: Handler = async (exchange) => {
  const session = await exchange.session()
  async function* body(): AsyncGenerator<string> {
    yield 'begin,'
    await sleep(20)
    session.update('n', (n) => Number(n) + 40)
    yield 'end'
  }
  return exchange.stream(200, { 'content-type': 'text/plain' }, body())
}

type TooLate = 'set' | 'signIn' | 'rotate' | 'destroy'

const edits: Readonly<Record<TooLate, (session: Session) => unknown>> = {
  set: (session) => session.set('n', 1),
  signIn: (session) => session.signIn('ann'),
  rotate: (session) => session.rotate(),
  destroy: (session) => session.destroy(),
}

const tooLate =
  (what: TooLate, edited = false): Handler =>
  async (exchange) => {
    const session = await exchange.session()
    if (edited) session.update('n', (n) => Number(n) + 1)
    async function* body(): AsyncGenerator<string> {
      yield 'begin,'
      await sleep(20)
      yield codeOf(() => edits[what](session))
    }
    return exchange.stream(200, { 'content-type': 'text/plain' }, body())
  }

function codeOf(run: () => unknown): string {
  try {
    run()
    return 'nothing thrown'
  } catch (error) {
    return error instanceof CoatcheckError ? error.code : String(error)
  }
}

/** `set` needs a cookie in a new session only; the others always do. */
async function tooLateCase(site: Site, what: TooLate): Promise<void> {
  const stranger = await site.browser().get('/too-late')
  assert.deepEqual([stranger.body, stranger.setCookies, site.store.rows.size], ['begin,headers_sent', [], 0])
  if (what === 'set') return
  const known = site.browser()
  await known.get('/write')
  const before = [...site.store.rows.values()]
  assert.equal((await known.get('/too-late')).body, 'begin,headers_sent')
  assert.deepEqual([...site.store.rows.values()], before)
  await expectCount(known, 1)
}

/** A stream may run ahead of the head that waits for the store: the edit comes in between. */
async function meanwhileCase(site: Site): Promise<void> {
  const browser = site.browser()
  await browser.get('/write')
  site.store.delayMs = slowMs
  const answer = await browser.get('/meanwhile')
  assert.deepEqual([answer.body, answer.setCookies], ['begin,headers_sent', []])
  site.store.delayMs = 0
  await expectCount(browser, 2)
}

async function* many(): AsyncGenerator<string> {
  for (let i = 0; i < 20; i++) {
    yield 'x'.repeat(10_000)
    await sleep(1)
  }
}

const long: Handler = cookieThen(async (exchange) => exchange.stream(200, { 'content-type': 'text/plain' }, many()))

const wait: Handler = async (exchange) => {
  const session = await exchange.session()
  session.update('n', (n) => Number(n) + 1)
  await sleep(2 * slowMs)
  return reply(exchange, 'nobody is there')
}
