import assert from 'node:assert/strict'
import { CoatcheckError } from '../../core/errors.ts'
import type { Case } from './cases.ts'
import { counter, expectCount, reply, type Routes, Site } from './site.ts'

/** What is stored, and what is not. */
export const writeCases: readonly Case[] = [
  {
    name: 'S2.2 ten writes in a request are one write to the store',
    run: (serve) =>
      Site.open(serve, { ...counter, '/ten': ten }, async (site) => {
        const browser = site.browser()
        await browser.get('/write')
        site.store.calls.length = 0
        await browser.get('/ten')
        assert.deepEqual(site.store.calls, ['get', 'put'])
      }),
  },
  {
    name: 'S3.10 a handler that throws drops its edits and sets no cookie',
    run: (serve) => Site.open(serve, { ...counter, ...failing }, (site) => droppedCase(site, '/throw')),
  },
  {
    name: 'S3.10 an answer of 500 or above drops the edits and sets no cookie',
    run: (serve) => Site.open(serve, { ...counter, ...failing }, (site) => droppedCase(site, '/500')),
  },
  {
    name: 'S3.10 an answer of 404 keeps them',
    run: (serve) =>
      Site.open(serve, { ...counter, ...failing }, async (site) => {
        const browser = site.browser()
        const answer = await browser.get('/404')
        assert.deepEqual([answer.status, answer.setCookies.length], [404, 1])
        await expectCount(browser, 7)
      }),
  },
  {
    name: 'F-02 a store that is away at reading is a 503: nobody is signed in, nobody out, no cookie is touched',
    run: (serve) =>
      Site.open(serve, counter, async (site) => {
        const browser = site.browser()
        await browser.get('/write')
        site.store.away = new Set(['get'])
        for (const path of ['/read', '/write']) {
          const answer = await browser.get(path)
          assert.deepEqual([answer.status, answer.setCookies], [503, []])
        }
        site.store.away = new Set()
        await expectCount(browser, 1)
      }),
  },
  {
    name: 'F-03 a store that is away at writing is a 503 instead of the answer, without a cookie for a session that is not there (S1.9)',
    run: (serve) =>
      Site.open(serve, counter, async (site) => {
        const browser = site.browser()
        site.store.away = new Set(['put'])
        const created = await browser.get('/write')
        assert.deepEqual([created.status, created.setCookies], [503, []])
        assert.notEqual(created.body, '1')
        site.store.away = new Set()
        await browser.get('/write')
        site.store.away = new Set(['put'])
        const changed = await browser.get('/write')
        assert.deepEqual([changed.status, changed.setCookies], [503, []])
        site.store.away = new Set()
        await expectCount(browser, 1)
      }),
  },
  {
    name: 'S4.7 an error of ours that a handler does not catch is answered with its status',
    run: (serve) =>
      Site.open(serve, { ...counter, '/ended': ended }, async (site) => {
        const browser = site.browser()
        await browser.get('/write')
        assert.equal((await browser.get('/ended')).status, new CoatcheckError('session_ended', '').status)
      }),
  },
  {
    name: 'X-01 an unsafe request from another site is a 403 and changes nothing; our own page may',
    run: (serve) =>
      Site.open(serve, counter, async (site) => {
        const browser = site.browser()
        await browser.get('/write')
        for (const headers of [{ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, { origin: 'https://evil.example' }]) {
          const answer = await browser.send('POST', '/write', { headers })
          assert.deepEqual([answer.status, answer.setCookies], [403, []])
        }
        const own = await browser.send('POST', '/write', { headers: { 'sec-fetch-site': 'same-origin', origin: new URL(site.url).origin } })
        assert.deepEqual([own.status, own.body], [200, '2'])
      }),
  },
  {
    name: 'R-01 fifty parallel requests of one visitor keep fifty keys and count to fifty',
    run: (serve) =>
      Site.open(serve, { ...counter, '/key': key, '/keys': keys }, async (site) => {
        const browser = site.browser()
        await browser.get('/write')
        const parallel = Array.from({ length: 50 }, async (_, i) => {
          const one = site.browser()
          for (const [name, value] of browser.cookies) one.cookies.set(name, value)
          const answer = await one.get(`/key?k=${i}`)
          assert.deepEqual([answer.status, answer.setCookies], [200, []])
        })
        await Promise.all(parallel)
        assert.equal((await browser.get('/keys')).body, '50')
        await expectCount(browser, 51)
      }),
  },
]

const ten: Routes[string] = async (exchange) => {
  const session = await exchange.session()
  for (let i = 0; i < 10; i++) session.set(`k${i}`, i)
  return reply(exchange, 'ten')
}

const failing: Routes = {
  '/throw': async (exchange) => {
    ;(await exchange.session()).set('n', 7)
    throw new Error('thrown by the handler, as the case wants')
  },
  '/500': async (exchange) => {
    ;(await exchange.session()).set('n', 7)
    return exchange.reply(500, {}, 'sorry')
  },
  '/404': async (exchange) => {
    ;(await exchange.session()).set('n', 7)
    return exchange.reply(404, {}, 'not here')
  },
}

async function droppedCase(site: Site, path: string): Promise<void> {
  const visitor = site.browser()
  const fresh = await visitor.get(path)
  assert.deepEqual([fresh.status, fresh.setCookies, site.store.rows.size], [500, [], 0])
  await visitor.get('/write')
  const known = await visitor.get(path)
  assert.deepEqual([known.status, known.setCookies], [500, []])
  await expectCount(visitor, 1)
}

const ended: Routes[string] = async (exchange) => {
  const session = await exchange.session()
  session.destroy()
  session.set('n', 1)
}

const key: Routes[string] = async (exchange) => {
  const session = await exchange.session()
  session.set(`k${exchange.query.get('k')}`, true)
  session.update('n', (n) => Number(n) + 1)
  return reply(exchange, 'kept')
}

const keys: Routes[string] = async (exchange) => {
  const session = await exchange.session()
  return reply(exchange, session.keys().filter((one) => one.startsWith('k')).length)
}
