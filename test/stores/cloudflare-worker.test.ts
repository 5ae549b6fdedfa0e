/** The stores where they live: a Worker in workerd that serves `coatcheck/fetch`. */
import type { Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startWorkerd } from '../support/workerd.ts'

const main = `
import { env as early } from 'cloudflare:workers'
import { createSessions } from './src/index.ts'
import { fetchSessions, getSession } from './src/adapters/fetch.ts'
import { CoatcheckObject, d1Store, durableObjectStore, kvStore } from './src/stores/cloudflare.ts'
export { CoatcheckObject }

const secret = 'a test secret of more than 32 bytes: 0123456789'
// Made while the module loads, where there is neither I/O nor randomness.
const stores = {
  d1: d1Store({ database: early.DB }),
  objects: durableObjectStore({ namespace: early.SESSIONS, shards: 2, locationHint: 'weur' }),
  kv: kvStore({ namespace: early.KV }),
}

async function count(request) {
  const session = await getSession(request)
  session.update('visits', (n = 0) => n + 1)
  return new Response(String(session.get('visits')))
}

export default {
  async fetch(request, env) {
    const name = new URL(request.url).pathname.slice(1)
    if (name === 'migrate') return new Response(String(await stores.d1.migrate()))
    if (name === 'old-reads') {
      try { return new Response(String(d1Store({ database: env.DB.withSession() }))) }
      catch (error) { return new Response(error.code + ' ' + error.message) }
    }
    const sessions = createSessions({ secret, store: stores[name], ...(name === 'kv' ? { unsafeLastWriteWins: true } : {}) })
    await sessions.ready()
    return fetchSessions(sessions, count)(request)
  },
}`

let workerd: Miniflare

beforeAll(async () => {
  workerd = await startWorkerd(main, {
    d1Databases: ['DB'],
    kvNamespaces: ['KV'],
    durableObjects: { SESSIONS: { className: 'CoatcheckObject', useSQLite: true } },
  })
  await get('migrate')
})

afterAll(() => workerd.dispose())

async function get(path: string, cookie = ''): Promise<{ status: number; text: string; cookie: string }> {
  const response = await workerd.dispatchFetch(`https://example.com/${path}`, { headers: cookie === '' ? {} : { cookie } })
  const [set = ''] = response.headers.getSetCookie()
  return { status: response.status, text: await response.text(), cookie: set.split(';')[0] ?? '' }
}

describe.each(['d1', 'objects', 'kv'])('%s', (name) => {
  test('S1.1 counts visits within workerd', async () => {
    const first = await get(name)
    expect(first).toMatchObject({ status: 200, text: '1' })
    for (const text of ['2', '3']) expect(await get(name, first.cookie)).toMatchObject({ status: 200, text, cookie: '' })
    expect(await get(name, `${first.cookie.slice(0, -1)}x`)).toMatchObject({ status: 200, text: '1' })
  })
})

test.each(['d1', 'objects'])('R-01 %s loses no visit of 24 at once', async (name) => {
  const { cookie } = await get(name)
  const visits = await Promise.all(Array.from({ length: 24 }, () => get(name, cookie)))
  expect(visits.map(({ status }) => status)).toEqual(visits.map(() => 200))
  expect(await get(name, cookie)).toMatchObject({ text: '26' })
})

test('R-06 d1Store takes no session of a database, whose reads may be old', async () => {
  expect((await get('old-reads')).text).toMatch(/^config_invalid .*env\.DB/)
})
