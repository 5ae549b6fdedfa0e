import { expect, test } from 'vitest'
import { fetchSessions, getSession } from '../../src/adapters/fetch.ts'
import { endSettled } from '../../src/adapters/fetch-entrance.ts'
import { CoatcheckError } from '../../src/core/errors.ts'
import { recorded } from './frameworks.ts'
import { listen, streamOf } from './harness.ts'
import { deferred, ScriptedVisit, withCookie } from './scripted-visit.ts'

const request = (): Request => new Request('https://shop.example/')

async function write(from: Request): Promise<void> {
  ;(await getSession(from)).set('n', 1)
}

const greet = async (from: Request, env: { greeting: string }, context: number): Promise<Response> => {
  await write(from)
  return new Response(`${env.greeting} ${context}`)
}

test('the handler gets everything the runtime passes, and both call shapes are the same', async () => {
  const { sessions } = recorded()
  for (const wrapped of [fetchSessions(sessions, greet), fetchSessions(sessions)(greet)]) {
    const answer = await wrapped(request(), { greeting: 'hello' }, 7)
    expect([await answer.text(), answer.headers.getSetCookie().length]).toEqual(['hello 7', 1])
  }
})

test('a request that does not ask gets the very response of the handler', async () => {
  const { sessions } = recorded()
  const response = new Response('as it is')
  expect(await fetchSessions(sessions, () => response)(request())).toBe(response)
})

test('immutable responses are copied: Response.redirect and what fetch answered', async () => {
  const { sessions } = recorded()
  const { url, close } = await listen((_req, res) => res.writeHead(202, { 'x-own': '1', 'Set-Cookie': ['a=1', 'b=2'] }).end('fetched'))
  const upstream = await fetch(url)
  const proxied = await fetchSessions(sessions, async (from: Request) => (await write(from), upstream))(request())
  expect([proxied.status, await proxied.text(), proxied.headers.get('x-own')]).toEqual([202, 'fetched', '1'])
  expect(proxied.headers.getSetCookie().map((line) => line.split('=')[0])).toEqual(['a', 'b', 'session'])
  const redirected = await fetchSessions(
    sessions,
    async (from: Request) => (await write(from), Response.redirect('https://shop.example/x', 303)),
  )(request())
  expect([redirected.status, redirected.headers.get('location')]).toEqual([303, 'https://shop.example/x'])
  expect(redirected.headers.getSetCookie()).toHaveLength(1)
  await close()
})

test('an error of ours becomes its response, any other is thrown on; neither stores anything', async () => {
  const { sessions, store } = recorded()
  const mine = fetchSessions(sessions, async (from: Request) => {
    await write(from)
    throw new CoatcheckError('conflict', 'as the test wants')
  })
  const answer = await mine(request())
  expect([answer.status, await answer.text(), answer.headers.getSetCookie()]).toEqual([409, 'conflict', []])
  expect(answer.headers.get('vary')).toBe('Cookie')
  const theirs = fetchSessions(sessions, async (from: Request) => {
    await write(from)
    throw new RangeError('theirs')
  })
  await expect(theirs(request())).rejects.toThrow('theirs')
  expect(store.calls).toEqual([])
})

test('a response whose headers cannot be set and that cannot be copied is an error, not a lost cookie', async () => {
  const { sessions } = recorded()
  const wrapped = fetchSessions(sessions, async (from: Request) => (await write(from), Response.error()))
  await expect(wrapped(request())).rejects.toThrow(TypeError)
})

test('X-02 a request without a Host line is judged by its URL', async () => {
  const { sessions } = recorded()
  const wrapped = fetchSessions(sessions, async (from: Request) => (await write(from), new Response('ok')))
  const post = (origin: string): Request => new Request('http://shop.example/', { method: 'POST', headers: { origin } })
  expect((await wrapped(post('http://shop.example'))).status).toBe(200)
  const refused = await wrapped(post('http://evil.example'))
  expect([refused.status, await refused.text(), refused.headers.getSetCookie()]).toEqual([403, 'csrf_refused', []])
})

test('wrapping twice installs once', async () => {
  const { sessions, store } = recorded()
  const wrapped = fetchSessions(
    sessions,
    fetchSessions(sessions, async (from: Request) => (await write(from), new Response('ok'))),
  )
  expect((await wrapped(request())).headers.getSetCookie()).toHaveLength(1)
  expect(store.calls).toEqual(['put'])
})

async function* chunks(): AsyncGenerator<string> {
  yield 'begin,'
  yield 'end'
}

test('H-09 the end of a streamed body waits for late edits; what is whole already stays as it is', async () => {
  const visit = new ScriptedVisit(withCookie)
  for (const whole of ['text', new Uint8Array(3), new Blob(['blob']), null]) {
    const response = new Response(whole)
    expect(endSettled(response, visit)).toBe(response)
  }
  visit.settling = deferred()
  const gated = endSettled(new Response(streamOf(chunks()), { status: 201, headers: { 'x-own': '1' } }), visit)
  expect([gated.status, gated.headers.get('x-own')]).toEqual([201, '1'])
  let text: string | undefined
  const reading = gated.text().then((all) => (text = all))
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(text).toBeUndefined()
  visit.settling.resolve()
  await reading
  expect(text).toBe('begin,end')
})

test('H-09 a late edit that is not stored breaks the body off; a cancelled body cancels its source', async () => {
  const visit = new ScriptedVisit(withCookie)
  visit.settling = deferred()
  visit.settling.reject(new CoatcheckError('store_unavailable', 'away'))
  await expect(endSettled(new Response(streamOf(chunks())), visit).text()).rejects.toThrow('away')
  let cancelled: unknown
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1)),
    cancel: (reason) => void (cancelled = reason),
  })
  await endSettled(new Response(body), visit).body?.cancel('enough')
  expect(cancelled).toBe('enough')
})

test('R-08 a response without a body that the handler keeps for everybody hands no ticket on', async () => {
  for (const transport of ['cookie', { header: 'x-session' }] as const) {
    const { sessions } = recorded({ transport })
    const done = new Response(null, { status: 204, statusText: 'Done', headers: { 'x-own': '1' } })
    const wrapped = fetchSessions(sessions, async (from: Request) => (from.url.endsWith('/in') && (await write(from)), done))
    const told = await wrapped(new Request('https://shop.example/in'))
    expect([told.status, told.statusText, told.headers.get('x-own')]).toEqual([204, 'Done', '1'])
    const token = ({ headers }: Response): string | null => headers.get('set-cookie') ?? headers.get('x-session')
    expect(token(told)).toMatch(/t1/)
    expect(token(await wrapped(request()))).toBe(null)
  }
})
