import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { getSession, nodeSessions } from '../../src/adapters/node.ts'
import { CoatcheckError } from '../../src/core/errors.ts'
import { deferred, quiet, ScriptedVisit } from './scripted-visit.ts'
import { aWhile, bodyOf, wireTo, type Wire } from './wire.ts'

/** Fails at the first commit; the second, for the error answer, succeeds as the engine's does. */
class FailingVisit extends ScriptedVisit {
  readonly #error: unknown

  constructor(error: unknown = new CoatcheckError('store_unavailable', 'away')) {
    super(quiet)
    this.#error = error
  }

  override commit(status?: number): ReturnType<ScriptedVisit['commit']> {
    const committing = super.commit(status)
    return this.commits.length === 1 ? Promise.reject(this.#error) : committing
  }
}

type Handler = (req: IncomingMessage, res: ServerResponse) => unknown

const wire = (visit: ScriptedVisit, handler: Handler): Promise<Wire> =>
  wireTo(
    nodeSessions(visit, async (req: IncomingMessage, res: ServerResponse) => {
      await getSession(req)
      await handler(req, res)
    }),
  )

test('F-03 a session that is not stored: its status and code instead of the answer', async () => {
  const visit = new FailingVisit()
  const { text, closed } = await wire(visit, (_req, res) => {
    res.setHeader('Set-Cookie', 'a=1')
    res.end('the answer')
  })
  await closed()
  expect(text()).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\nContent-Type: text\/plain; charset=utf-8\r\n/)
  expect(bodyOf(text())).toBe('store_unavailable')
  expect(text()).toMatch(/\r\nContent-Length: 17\r\n/)
  expect(text()).not.toMatch(/set-cookie|the answer/i)
  expect(visit.commits).toEqual([200, 503])
})

test('F-03 anything else that goes wrong is a 500 that tells nothing', async () => {
  const { text, closed } = await wire(new FailingVisit(new Error('the password is hunter2')), (_req, res) => res.end('the answer'))
  await closed()
  expect(text()).toMatch(/^HTTP\/1\.1 500 /)
  expect(text()).not.toMatch(/hunter2|the answer/)
})

test('F-03 with next the error goes there, and a careless error handler still answers well', async () => {
  const visit = new FailingVisit()
  const errors: unknown[] = []
  const { text, closed } = await wireTo(async (req, res) => {
    const middleware = nodeSessions(visit)
    middleware(req, res, (error) => {
      if (error === undefined) return
      errors.push(error)
      res.end('an error page of another length')
    })
    await getSession(req)
    res.writeHead(200, { 'Content-Length': 5, ETag: '"x"', 'Content-Encoding': 'identity', 'x-kept': '1' })
    res.end('hello')
  })
  await closed()
  expect(errors).toMatchObject([{ code: 'store_unavailable' }])
  expect(text()).toMatch(/^HTTP\/1\.1 503 /)
  expect(text()).toMatch(/x-kept: 1/)
  expect(text()).not.toMatch(/etag|content-encoding/i)
  expect(text()).not.toMatch(/content-length: 5/i)
  expect(bodyOf(text())).toBe('an error page of another length')
})

test('callbacks of what was dropped learn why', async () => {
  const seen: unknown[] = []
  const note = (error?: Error | null): void => void seen.push(error)
  const { closed } = await wire(new FailingVisit(), (_req, res) => {
    res.write('a', note)
    res.write('b', 'utf8', note)
    res.end('c', note as () => void)
  })
  await closed()
  expect(seen).toMatchObject([{ code: 'store_unavailable' }, { code: 'store_unavailable' }, { code: 'store_unavailable' }])
})

test('whoever goes on writing into the dropped answer neither reaches the client nor ends the process', async () => {
  const written = deferred<unknown[]>()
  const { text, closed } = await wire(new FailingVisit(), async (_req, res) => {
    res.write('data: 1\n\n')
    await aWhile()
    const results = [res.write('data: 2\n\n'), res.end('data: 3\n\n')]
    await aWhile()
    written.resolve(results)
  })
  await closed()
  expect(await written.promise).toMatchObject([false, {}])
  expect(bodyOf(text())).toBe('store_unavailable')
})

test('an error answer that has ended takes no more, not even before it has left', async () => {
  const visit = new FailingVisit()
  const seen: unknown[] = []
  const { text, closed } = await wireTo(async (req, res) => {
    nodeSessions(visit)(req, res, (error) => {
      if (error === undefined) return
      res.end('error page')
    })
    await getSession(req)
    res.on('finish', () => seen.push(res.write('stray'), res.end('stray') === res, res.writeHead(200) === res))
    res.write('data: 1')
  })
  await closed()
  await aWhile()
  expect(seen).toEqual([false, true, true])
  expect(bodyOf(text())).toBe('error page')
})

test('an error answer that streams is not joined by the source of the dropped one', async () => {
  const visit = new FailingVisit()
  const { text, closed } = await wireTo(async (req, res) => {
    nodeSessions(visit)(req, res, (error) => {
      if (error === undefined) return
      res.flushHeaders()
      setTimeout(() => res.end('error page'), 20)
    })
    await getSession(req)
    Readable.from(['a', 'b', 'c'], { highWaterMark: 1 }).pipe(res)
  })
  await closed()
  expect(bodyOf(text())).toBe('error page')
})

test('a piped source stops for good', async () => {
  let made = 0
  const ended = deferred()
  async function* source(): AsyncGenerator<string> {
    for (; made < 1_000; made++) yield 'x'.repeat(1_000)
  }
  const { text, closed } = await wire(new FailingVisit(), (_req, res) => {
    res.on('close', () => ended.resolve())
    Readable.from(source()).pipe(res)
  })
  await closed()
  await ended.promise
  await aWhile()
  expect(made).toBeLessThan(40)
  expect(bodyOf(text())).toBe('store_unavailable')
})

test('when the error answer cannot be committed either, the connection is cut', async () => {
  const visit = new ScriptedVisit('waits')
  visit.committing.reject(new Error('away'))
  visit.committing.promise.catch(() => 'handled below')
  const { text, closed } = await wire(visit, (_req, res) => res.end('the answer'))
  await closed()
  expect(text()).toBe('')
})

const mistakes: Readonly<Record<string, (res: ServerResponse) => unknown>> = {
  'a status that is none': (res) => res.writeHead(42),
  'a header that is none': (res) => res.writeHead(200, { 'bad name': '1' }),
  'a header with a line break': (res) => res.writeHead(200, { 'x-a': 'a\r\nset-cookie: b' }),
  'a list without a last value': (res) => res.writeHead(200, ['x-a']),
  'a body that is none': (res) => res.end(42 as unknown as string),
  'a body that is null': (res) => res.write(null as unknown as string),
}

test.each(Object.entries(mistakes))('a mistake in the handler is a 500, as without us: %s', async (_, mistake) => {
  const visit = new ScriptedVisit(quiet)
  const { text, closed } = await wire(visit, (_req, res) => mistake(res))
  await closed()
  expect(text()).toMatch(/^HTTP\/1\.1 500 /)
  expect(text()).not.toMatch(/set-cookie/)
  expect(visit.commits).toHaveLength(1)
})

test('a mistake that shows when the end has waited is a 500, and commits no second time', async () => {
  const visit = Object.assign(new ScriptedVisit(quiet), { atOnce: quiet })
  const { text, closed } = await wire(visit, (_req, res) => res.end(42 as unknown as string))
  await closed()
  expect(text()).toMatch(/^HTTP\/1\.1 500 /)
  expect([visit.atOnceCalls, visit.commits]).toEqual([1, []])
})

test('S3.10 a handler that throws after it has answered: the connection is cut, as without us', async () => {
  const visit = new ScriptedVisit('waits')
  const { text, closed } = await wire(visit, (_req, res) => {
    res.end('the answer')
    throw new Error('afterwards, as the test wants')
  })
  await closed()
  visit.committing.resolve(quiet)
  expect(text()).toBe('')
})
