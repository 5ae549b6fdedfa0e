import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { expressSessions } from '../../src/adapters/express.ts'
import { fetchSessions } from '../../src/adapters/fetch.ts'
import { attach, getSession } from '../../src/adapters/install.ts'
import { nodeSessions } from '../../src/adapters/node.ts'
import { createSessions } from '../../src/http/sessions.ts'
import type { RequestHead } from '../../src/http/types.ts'
import { RecordingStore } from '../../src/testing/adapter-contract/recording-store.ts'
import { settings } from '../../src/testing/adapter-contract/site.ts'
import { listen } from './harness.ts'
import { ScriptedVisit } from './scripted-visit.ts'

const entrance = (visit: ScriptedVisit) => ({ sessions: visit, open: <Data extends object>() => visit.session<Data>() })

test('a request nothing was installed on: not_installed, and the sentence names the line to add', async () => {
  for (const request of [{}, { req: null }, { raw: undefined, req: { raw: {} } }, new Request('http://x/')]) {
    await expect(getSession(request)).rejects.toMatchObject({ code: 'not_installed', status: 500 })
    await expect(getSession(request)).rejects.toThrow('app.use(expressSessions(sessions))')
  }
})

test('installing the same sessions again changes nothing; others are refused with the way out', () => {
  const [one, other] = [new ScriptedVisit(), new ScriptedVisit()]
  const request = {}
  attach(request, entrance(one))
  expect(() => attach(request, entrance(one))).not.toThrow()
  expect(() => attach(request, entrance(other))).toThrow('stores: {')
})

test('what was installed first stays, also when its session is open already', async () => {
  const visit = new ScriptedVisit()
  const opened: string[] = []
  const named = (name: string) => ({
    sessions: visit,
    open<Data extends object>() {
      opened.push(name)
      return visit.session<Data>()
    },
  })
  const request = {}
  for (const name of ['first', 'second']) {
    attach(request, named(name))
    await getSession(request)
  }
  expect(opened).toEqual(['first', 'first'])
})

test('installing costs a property and opens nothing', async () => {
  const visit = new ScriptedVisit()
  const { url, close } = await listen(
    nodeSessions(visit, (req, res) => {
      res.end(
        JSON.stringify([
          Object.keys(req).includes('session'),
          Object.getOwnPropertySymbols(res).some((one) => String(one).includes('coatcheck')),
        ]),
      )
    }),
  )
  expect(await (await fetch(url)).json()).toEqual([false, false])
  expect(visit.heads).toEqual([])
  await close()
})

test('what is left on a request shows no secret and no session when it is logged', async () => {
  const store = new RecordingStore()
  const sessions = createSessions({ ...settings, store })
  const logs: string[] = []
  const wrapped = fetchSessions(sessions, async (request: Request) => {
    const session = await getSession(request)
    session.set('password', 'hunter2')
    logs.push(inspect(request, { depth: 20, showHidden: true }), JSON.stringify(request))
    return new Response('ok')
  })
  await wrapped(new Request('http://localhost/'))
  expect(logs.join()).not.toContain('hunter2')
  expect(logs.join()).not.toContain(settings.secret)
  await sessions.close()
})

test('P-02 a polluted Object.prototype neither installs sessions nor forges a header', async () => {
  const planted = { cookie: 'session=planted', origin: 'https://evil.example', req: {}, raw: null, next: 1, outgoing: 1 }
  const heads: RequestHead[] = []
  const visit = new ScriptedVisit()
  const { url, close } = await listen(
    nodeSessions({ visit: (head) => (heads.push(head), visit) }, async (req, res) => {
      try {
        Object.assign(Object.prototype, planted)
        await getSession(req)
        res.end(JSON.stringify([heads[0]?.header('cookie') ?? null, heads[0]?.header('origin') ?? null, heads[0]?.header('host') ?? null]))
      } finally {
        for (const name of Object.keys(planted)) Reflect.deleteProperty(Object.prototype, name)
      }
    }),
  )
  expect(await (await fetch(url)).json()).toEqual([null, null, new URL(url).host])
  await close()
  Object.assign(Object.prototype, planted)
  try {
    await expect(getSession({})).rejects.toMatchObject({ code: 'not_installed' })
  } finally {
    for (const name of Object.keys(planted)) Reflect.deleteProperty(Object.prototype, name)
  }
})

test('C-13 several Cookie lines of one request are one cookie header', async () => {
  const visit = new ScriptedVisit()
  const { url, close } = await listen(
    nodeSessions(visit, async (req, res) => {
      await getSession(req)
      const [head] = visit.heads
      res.end([head?.method, head?.header('cookie'), head?.header('x-many'), head?.header('absent')].join('|'))
    }),
  )
  const { request } = await import('node:http')
  const body = await new Promise<string>((resolve) => {
    request(url, { method: 'PUT', headers: { cookie: ['a=1', 'b=2'], 'x-many': ['1', '2'] } }, (answer) => {
      answer.setEncoding('utf8').on('data', resolve)
    }).end()
  })
  expect(body).toBe('PUT|a=1; b=2|1, 2|')
  await close()
})

test('a header that a host hands over as lines is joined as HTTP joins it', async () => {
  const visit = new ScriptedVisit()
  const { url, close } = await listen(async (req, res) => {
    nodeSessions(visit)(req, res)
    Object.assign(req.headers, { cookie: ['a=1', 'b=2'], 'x-many': ['1', '2'] })
    await getSession(req)
    res.end([visit.heads[0]?.header('cookie'), visit.heads[0]?.header('x-many')].join('|'))
  })
  expect(await (await fetch(url)).text()).toBe('a=1; b=2|1, 2')
  await close()
})

test('the method is read when the session is asked for, so that a method override in front of it counts (X-03)', async () => {
  const visit = new ScriptedVisit()
  const { url, close } = await listen((req, res) => {
    nodeSessions(visit)(req, res)
    req.method = 'DELETE'
    void getSession(req).then(() => res.end(visit.heads[0]?.method))
  })
  expect(await (await fetch(url)).text()).toBe('DELETE')
  await close()
})

test('an error while installing goes to next', () => {
  const request = Object.assign(Object.create(null) as object, { headers: {} })
  attach(request, entrance(new ScriptedVisit()))
  const install = expressSessions(new ScriptedVisit()) as unknown as (req: object, res: object, next: () => void) => void
  expect(() => install(request, {}, () => undefined)).toThrow('stores: {')
})
