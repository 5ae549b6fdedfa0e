import assert from 'node:assert/strict'
import { CoatcheckError } from '../../core/errors.ts'
import { RecordingStore } from './recording-store.ts'
import type { Case } from './cases.ts'
import { cookieName, counter, expectCount, reply, type Routes, Site } from './site.ts'

/** When the client hears of its session, and what caches hear. */
export const cookieCases: readonly Case[] = [
  {
    name: 'S1.1 the first write sets exactly one cookie, and no later request sets another',
    run: (serve) =>
      Site.open(serve, counter, async (site) => {
        const browser = site.browser()
        const first = await browser.get('/write')
        assert.equal(first.setCookies.length, 1)
        assert.match(first.setCookies[0] ?? '', new RegExp(`^${cookieName}=[^;]{40,}; .*HttpOnly`))
        for (const path of ['/write', '/read', '/write']) assert.deepEqual((await browser.get(path)).setCookies, [])
        await expectCount(browser, 3)
      }),
  },
  {
    name: 'D-05 a request that does not ask for its session calls no store and changes no header',
    run: (serve) =>
      Site.open(serve, { ...counter, '/static': async (exchange) => reply(exchange, 'static') }, async (site) => {
        const browser = site.browser()
        await browser.get('/write')
        site.store.calls.length = 0
        const answer = await browser.get('/static')
        assert.deepEqual(
          [answer.status, answer.body, answer.setCookies, answer.header('vary'), answer.header('cache-control'), site.store.calls],
          [200, 'static', [], '', '', []],
        )
      }),
  },
  {
    name: 'S4.6 a new session that is only read sets no cookie and calls no store, and the answer varies by Cookie (H-06)',
    run: (serve) =>
      Site.open(serve, counter, async (site) => {
        const answer = await site.browser().get('/read')
        assert.deepEqual([answer.body, answer.setCookies, answer.header('vary'), site.store.calls], ['0', [], 'Cookie', []])
      }),
  },
  {
    name: 'S1.8 destroy removes the row, expires the cookie, and the old cookie is dead (S3.6)',
    run: (serve) => Site.open(serve, { ...counter, '/destroy': destroy }, destroyCase),
  },
  {
    name: 'S2.6 junk in the cookie opens a new session, and no store is asked (C-11, S0.6)',
    run: (serve) =>
      Site.open(serve, counter, async (site) => {
        const jars = ['%00', 'x'.repeat(5000), '"', 'AAAA.BBBB.CCCC', '\u{fc}'].map((value) => `${cookieName}=${value}`)
        for (const cookie of [...jars, ';;;===', `${cookieName}`]) {
          const answer = await site.browser().get('/read', { headers: { cookie } })
          assert.deepEqual([answer.status, answer.body, answer.setCookies], [200, '0', []])
        }
        assert.deepEqual(site.store.calls, [])
      }),
  },
  {
    name: 'L-08 an id nobody issued never becomes a session',
    run: (serve) =>
      Site.open(serve, counter, async (site) => {
        const browser = site.browser()
        await browser.get('/write')
        const issued = browser.cookies.get(cookieName) ?? ''
        const forged = (issued.startsWith('A') ? 'B' : 'A') + issued.slice(1)
        const victim = site.browser()
        victim.cookies.set(cookieName, forged)
        assert.equal((await victim.get('/write')).body, '1')
        assert.notEqual(victim.cookies.get(cookieName), forged)
        assert.equal(site.store.rows.size, 2)
      }),
  },
  ...[302, 303].map((status): Case => ({
    name: `H-11 the redirect after a sign-in (${status}) carries the new cookie, and the page it leads to knows the user`,
    run: (serve) => Site.open(serve, signIn(status), (site) => signInCase(site, status)),
  })),
  ...['one string', 'several lines'].map((how): Case => ({
    name: `H-03 the application's own Set-Cookie stays beside ours: ${how}`,
    run: (serve) =>
      Site.open(serve, ownCookies(how === 'one string' ? 'a=1; Path=/' : ['a=1; Path=/', 'b=2, 3']), (site) => ownCookiesCase(site, how)),
  })),
  {
    name: 'H-05 an answer with our cookie is kept by no shared cache, whatever the application says',
    run: (serve) =>
      Site.open(serve, caching, async (site) => {
        const answer = await site.browser().get('/public')
        assert.equal(answer.setCookies.length, 1)
        assert.match(answer.header('cache-control'), /\b(private|no-store)\b/)
        assert.doesNotMatch(answer.header('cache-control'), /public|s-maxage/)
      }),
  },
  {
    name: "H-06 Vary joins the application's own, once, and leaves * alone",
    run: (serve) =>
      Site.open(serve, caching, async (site) => {
        const varies = async (path: string): Promise<string> => (await site.browser().get(path)).header('vary').toLowerCase()
        assert.equal(await varies('/encoded'), 'accept-encoding, cookie')
        assert.equal(await varies('/cookie'), 'cookie')
        assert.equal(await varies('/star'), '*')
      }),
  },
  {
    name: 'S3.1 two named sessions set a cookie each in one answer and stay apart',
    run: (serve) => Site.open(serve, named, namedCase, { stores: { auth: new RecordingStore(), prefs: new RecordingStore() } }),
  },
  {
    name: 'F-03 when the second of two named sessions cannot be stored, the error still brings the cookie of the first',
    run: (serve) => {
      const prefs = new RecordingStore()
      prefs.away = new Set(['put'])
      return Site.open(serve, named, halfStoredCase, { stores: { auth: new RecordingStore(), prefs } })
    },
  },
  {
    name: 'S4.11 asking twice, and at the same time, answers the same session and reads the store once',
    run: (serve) =>
      Site.open(serve, { ...counter, '/twice': twice }, async (site) => {
        const browser = site.browser()
        await browser.get('/write')
        site.store.calls.length = 0
        assert.equal((await browser.get('/twice')).body, 'true')
        assert.equal(site.store.count('get'), 1)
      }),
  },
]

const destroy: Routes[string] = async (exchange) => {
  const session = await exchange.session()
  session.destroy()
  try {
    session.set('n', 9)
    return reply(exchange, 'set after destroy')
  } catch (error) {
    return reply(exchange, error instanceof CoatcheckError ? error.code : error)
  }
}

const placeOf = (line: string): (string | undefined)[] => [/Path=[^;]*/.exec(line)?.[0], /Domain=[^;]*/.exec(line)?.[0]]

async function destroyCase(site: Site): Promise<void> {
  const browser = site.browser()
  const [made = ''] = (await browser.get('/write')).setCookies
  const thief = site.browser()
  thief.cookies.set(cookieName, browser.cookies.get(cookieName) ?? '')
  const answer = await browser.get('/destroy')
  assert.equal(answer.body, 'session_ended')
  assert.equal(answer.setCookies.length, 1)
  const [gone = ''] = answer.setCookies
  assert.match(gone, new RegExp(`^${cookieName}=; .*Max-Age=0`))
  assert.deepEqual(placeOf(gone), placeOf(made))
  assert.equal(site.store.rows.size, 0)
  const replayed = await thief.get('/read')
  assert.deepEqual([replayed.status, replayed.body, replayed.setCookies], [200, '0', []])
}

const signIn = (status: number): Routes => ({
  ...counter,
  '/sign-in': async (exchange) => {
    const session = await exchange.session()
    session.signIn('ann')
    return exchange.redirect(status, '/welcome')
  },
  '/welcome': async (exchange) => reply(exchange, (await exchange.session()).user),
})

async function signInCase(site: Site, status: number): Promise<void> {
  const browser = site.browser()
  await browser.get('/write')
  const before = browser.cookies.get(cookieName)
  const answer = await browser.send('POST', '/sign-in', { headers: { origin: site.url } })
  assert.deepEqual([answer.status, answer.setCookies.length], [status, 1])
  assert.notEqual(browser.cookies.get(cookieName), before)
  assert.equal((await browser.get(answer.header('location'))).body, 'ann')
}

const ownCookies = (lines: string | readonly string[]): Routes => ({
  '/own': async (exchange) => {
    const session = await exchange.session()
    session.set('n', 1)
    return exchange.reply(200, { 'set-cookie': lines, 'content-type': 'text/plain' }, 'own')
  },
})

async function ownCookiesCase(site: Site, how: string): Promise<void> {
  const { setCookies } = await site.browser().get('/own')
  const own = setCookies.filter((line) => !line.startsWith(`${cookieName}=`))
  assert.deepEqual(own, how === 'one string' ? ['a=1; Path=/'] : ['a=1; Path=/', 'b=2, 3'])
  assert.equal(setCookies.length, own.length + 1)
}

const caching: Routes = {
  '/public': async (exchange) => {
    ;(await exchange.session()).set('n', 1)
    return exchange.reply(200, { 'cache-control': 'public, max-age=60, s-maxage=600' }, 'public')
  },
  '/encoded': async (exchange) => exchange.session().then(() => exchange.reply(200, { vary: 'Accept-Encoding' }, '')),
  '/cookie': async (exchange) => exchange.session().then(() => exchange.reply(200, { vary: 'cookie' }, '')),
  '/star': async (exchange) => exchange.session().then(() => exchange.reply(200, { vary: '*' }, '')),
}

const named: Routes = {
  '/': async (exchange) => {
    const [auth, prefs] = await Promise.all([exchange.session('auth'), exchange.session('prefs')])
    const before = JSON.stringify([auth.get('who'), prefs.get('theme')])
    auth.set('who', 'ann')
    prefs.set('theme', 'dark')
    return reply(exchange, before)
  },
}

async function namedCase(site: Site): Promise<void> {
  const browser = site.browser()
  const { setCookies } = await browser.get('/')
  assert.equal(setCookies.length, 2)
  assert.equal(browser.cookies.size, 2)
  assert.equal((await browser.get('/')).body, '["ann","dark"]')
}

async function halfStoredCase(site: Site): Promise<void> {
  const browser = site.browser()
  const { status, setCookies } = await browser.get('/')
  assert.deepEqual([status, setCookies.length], [503, 1])
  assert.deepEqual([...browser.cookies.keys()], ['auth'])
}

const twice: Routes[string] = async (exchange) => {
  const [first, second] = await Promise.all([exchange.session(), exchange.session()])
  return reply(exchange, first === second && first === (await exchange.session()))
}
