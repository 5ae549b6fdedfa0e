import { type IncomingMessage, Server, type ServerResponse } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect, test, vi } from 'vitest'
import { getSession, nodeSessions } from '../../src/adapters/node.ts'
import { CoatcheckError } from '../../src/core/errors.ts'
import { deferred, quiet, ScriptedVisit, withCookie } from './scripted-visit.ts'
import { aWhile, bodyOf, wireTo, type Wire } from './wire.ts'

/** Waits until the response is held, and then until anything that was going to leave early has left. */
async function asked(visit: ScriptedVisit): Promise<void> {
  await vi.waitFor(() => expect(visit.commits).toHaveLength(1))
  await aWhile()
}

type Handler = (req: IncomingMessage, res: ServerResponse) => unknown

/** Asks for the session, then does what the test does. */
const wire = (visit: ScriptedVisit, handler: Handler, head?: string): Promise<Wire> =>
  wireTo(
    nodeSessions(visit, async (req: IncomingMessage, res: ServerResponse) => {
      await getSession(req)
      await handler(req, res)
    }),
    head,
  )

const ways: Readonly<Record<string, (res: ServerResponse) => void>> = {
  end: (res) => res.end('body'),
  write: (res) => {
    res.write('bo')
    res.end('dy')
  },
  flushHeaders: (res) => {
    res.flushHeaders()
    res.end('body')
  },
  writeHead: (res) => res.writeHead(200, { 'x-own': '1' }).end('body'),
  pipe: (res) => void Readable.from(['bo', 'dy']).pipe(res),
}

test.each(Object.entries(ways))('H-04 nothing leaves before the session is stored: %s', async (_, answer) => {
  const visit = new ScriptedVisit('waits')
  const { text, closed } = await wire(visit, (_req, res) => answer(res))
  await asked(visit)
  expect(text()).toBe('')
  expect(visit.commits).toEqual([200])
  visit.committing.resolve(withCookie)
  await closed()
  expect(text()).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  expect(text()).toMatch(/^Set-Cookie: session=ours; Path=\/\r$/m)
  expect(bodyOf(text())).toBe('body')
})

const heads: Readonly<Record<string, (res: ServerResponse) => void>> = {
  'set before': (res) => void res.setHeader('Set-Cookie', ['a=1', 'b=2']),
  'appended before': (res) => void res.appendHeader('Set-Cookie', 'a=1').appendHeader('Set-Cookie', 'b=2'),
  'an object': (res) => void res.writeHead(200, { 'Set-Cookie': ['a=1', 'b=2'], Vary: 'Accept' }),
  'an object and a reason': (res) => void res.writeHead(200, 'Fine', { 'Set-Cookie': ['a=1', 'b=2'], Vary: 'Accept' }),
  'a flat list': (res) => void res.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Vary', 'Accept']),
  'a flat list over what was set': (res) => {
    res.setHeader('Set-Cookie', 'old=1')
    res.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'])
  },
  'a list of pairs': (res) =>
    void res.writeHead(200, [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ] as unknown as string[]),
}

test.each(Object.entries(heads))('H-03 the cookies of the application stay, ours joins them, each a line: %s', async (_, head) => {
  const { text, closed } = await wire(new ScriptedVisit(withCookie), (_req, res) => {
    head(res)
    res.end('body')
  })
  await closed()
  expect([...text().matchAll(/^set-cookie: (.*)\r$/gim)].map(([, line]) => line)).toEqual(['a=1', 'b=2', 'session=ours; Path=/'])
  expect([...text().matchAll(/^vary: (.*)\r$/gim)].map(([, line]) => line?.replace('Accept, ', ''))).toEqual(['Cookie'])
})

test('writeHead keeps status and reason', async () => {
  const visit = new ScriptedVisit(withCookie)
  const { text, closed } = await wire(visit, (_req, res) => res.writeHead(418, 'Teapot', { 'x-a': 'b' }).end())
  await closed()
  expect(text()).toMatch(/^HTTP\/1\.1 418 Teapot\r\n/)
  expect(visit.commits).toEqual([418])
})

test('H-08 informational responses leave at once', async () => {
  const visit = new ScriptedVisit('waits')
  const { text, until, closed } = await wire(visit, (_req, res) => {
    res.end('body')
    res.writeContinue()
    res.writeProcessing()
    res.writeEarlyHints({ link: '</style.css>; rel=preload' })
  })
  await until('103 Early Hints')
  expect(text()).toMatch(/100 Continue[\s\S]*102 Processing/)
  expect(text()).not.toContain(' 200 ')
  visit.committing.resolve(withCookie)
  await closed()
  expect(text()).toMatch(/200 OK[\s\S]*body$/)
})

test('held writes answer false, drain comes once they have left, order and callbacks are kept', async () => {
  const visit = new ScriptedVisit('waits')
  const seen: unknown[] = []
  const { text, closed } = await wire(visit, (_req, res) => {
    seen.push(
      res.write('a', () => seen.push('a left')),
      res.write(Buffer.from('b'), () => seen.push('b left')),
      res.write('Yw==', 'base64'),
    )
    res.once('drain', () => {
      seen.push('drain')
      res.end('d', () => seen.push('ended'))
    })
  })
  await asked(visit)
  expect(seen).toEqual([false, false, false])
  visit.committing.resolve(quiet)
  await closed()
  expect(bodyOf(text())).toBe('abcd')
  expect(seen.slice(3).toSorted()).toEqual(['a left', 'b left', 'drain', 'ended'])
})

test('no drain comes after the end', async () => {
  const visit = new ScriptedVisit('waits')
  const seen: unknown[] = []
  const { closed } = await wire(visit, (_req, res) => {
    res.on('drain', () => seen.push('drain'))
    seen.push(res.write('a'))
    res.end('b')
  })
  await asked(visit)
  visit.committing.resolve(quiet)
  await closed()
  expect(seen).toEqual([false])
})

test('what a held response keeps is bounded: a piped source stops', async () => {
  const visit = new ScriptedVisit('waits')
  let made = 0
  async function* source(): AsyncGenerator<Buffer> {
    for (; made < 300; made++) yield Buffer.alloc(16_384, 'x')
  }
  const { text, closed } = await wire(visit, (_req, res) => pipeline(Readable.from(source(), { highWaterMark: 2 }), res))
  await asked(visit)
  expect(made).toBeLessThan(10)
  visit.committing.resolve(withCookie)
  await closed()
  expect(bodyOf(text()).length).toBe(300 * 16_384)
})

test('the response behaves as sent while it is held: a second answer is noticed, and changes nothing', async () => {
  const visit = new ScriptedVisit('waits')
  const seen: unknown[] = []
  const { text, closed } = await wire(visit, (_req, res) => {
    seen.push(res.headersSent, res.writableEnded)
    res.setHeader('x-first', '1')
    res.end('first')
    seen.push(res.headersSent, res.writableEnded)
    for (const late of [
      () => res.setHeader('content-length', 3),
      () => res.removeHeader('x-first'),
      () => res.appendHeader('x-first', '2'),
      () => res.setHeaders(new Map([['x-first', '2']])),
      () => res.writeHead(500),
    ]) {
      try {
        late()
        seen.push('nothing thrown')
      } catch (error) {
        seen.push((error as NodeJS.ErrnoException).code)
      }
    }
    res.statusCode = 500
    res.end()
  })
  await asked(visit)
  expect(seen).toEqual([false, false, true, true, ...Array<string>(5).fill('ERR_HTTP_HEADERS_SENT')])
  visit.committing.resolve(withCookie)
  await closed()
  expect(text()).toMatch(/^HTTP\/1\.1 200 OK\r\nx-first: 1\r\n/)
  expect(text()).toMatch(/Content-Length: 5\r\n[\s\S]*first$/)
  expect(visit.commits).toEqual([200])
})

test('with nothing to store nothing is held: the answer leaves in the tick it is given', async () => {
  const visit = Object.assign(new ScriptedVisit('waits'), { atOnce: withCookie, unsettled: false })
  const seen: unknown[] = []
  const { text, closed } = await wire(visit, (_req, res) => {
    seen.push(res.write('a'), Object.hasOwn(res, 'headersSent'), res.headersSent)
    res.end('b')
    seen.push(res.writableEnded)
  })
  await closed()
  expect(seen).toEqual([true, false, true, true])
  expect(text()).toContain('session=ours')
  expect([bodyOf(text()), visit.commits, visit.atOnceCalls, visit.settlings]).toEqual(['ab', [], 1, 0])
})

test('a writeHead that throws has committed nothing', async () => {
  const visit = Object.assign(new ScriptedVisit(quiet), { atOnce: withCookie, unsettled: false })
  const { text, closed } = await wire(visit, (_req, res) => {
    expect(() => res.writeHead(200, { 'bad name': '1' })).toThrow('bad name')
    expect(visit.atOnceCalls).toBe(0)
    res.writeHead(200).end('good')
  })
  await closed()
  expect([bodyOf(text()), visit.atOnceCalls]).toEqual(['good', 1])
})

test('H-09 the end waits for late edits', async () => {
  const visit = new ScriptedVisit(withCookie)
  visit.settling = deferred()
  const { text, until, closed } = await wire(visit, (_req, res) => {
    res.write('begin,')
    res.end('end')
    res.addTrailers({ 'x-trailer': 'late' })
  })
  await until('begin,')
  await aWhile()
  expect(text()).not.toContain('end')
  visit.settling.resolve()
  await closed()
  expect(bodyOf(text())).toBe('begin,end')
})

test('H-09 while the end waits a second answer is noticed, and changes nothing', async () => {
  const visit = new ScriptedVisit(withCookie)
  visit.settling = deferred()
  const seen: unknown[] = []
  const { text, closed } = await wire(visit, async (_req, res) => {
    res.end('first')
    await vi.waitFor(() => expect(visit.settlings).toBe(1))
    seen.push(res.headersSent, res.writableEnded)
    expect(() => res.setHeader('content-length', 3)).toThrow('after they are sent')
    expect(() => res.writeHead(500)).toThrow('after they are sent')
    visit.settling.resolve()
  })
  await closed()
  expect(seen).toEqual([true, true])
  expect(text()).toMatch(/Content-Length: 5\r\n[\s\S]*first$/)
})

test('H-09 late edits that are not stored cut the connection: the answer is never complete', async () => {
  const visit = new ScriptedVisit(withCookie)
  visit.settling = deferred()
  const { text, until, closed } = await wire(visit, (_req, res) => {
    res.write('begin,')
    res.end('end')
  })
  await until('begin,')
  visit.settling.reject(new CoatcheckError('store_unavailable', 'away'))
  await closed()
  expect(text()).not.toContain('end')
  expect(text()).not.toMatch(/\r\n0\r\n/)
})

test('trailers, HEAD and 204 are as without us', async () => {
  const trailers = await wire(new ScriptedVisit(withCookie), (_req, res) => {
    res.writeHead(200, { Trailer: 'x-sum' })
    res.write('body')
    res.addTrailers({ 'x-sum': '7' })
    res.end()
  })
  await trailers.closed()
  expect(trailers.text()).toMatch(/0\r\nx-sum: 7\r\n\r\n$/)
  const head = await wire(
    new ScriptedVisit(withCookie),
    (_req, res) => res.end('body'),
    'HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  )
  await head.closed()
  expect(head.text()).toMatch(/Set-Cookie: session=ours[\s\S]*\r\n\r\n$/)
  const none = await wire(new ScriptedVisit(withCookie), (_req, res) => res.writeHead(204).end())
  await none.closed()
  expect(none.text()).toMatch(/^HTTP\/1\.1 204 No Content\r\nSet-Cookie[\s\S]*\r\n\r\n$/)
})

const shout = (res: ServerResponse): void => {
  const { write, end } = res
  res.write = ((chunk: unknown) => write.call(res, String(chunk).toUpperCase(), 'utf8')) as typeof write
  res.end = ((chunk: unknown) => end.call(res, String(chunk).toUpperCase(), 'utf8')) as typeof end
}

test('wrappers made before and after keep working, whichever side of ours they are on', async () => {
  const visit = new ScriptedVisit(withCookie)
  const before = await wireTo(async (req, res) => {
    shout(res)
    nodeSessions(visit)(req, res)
    await getSession(req)
    res.write('be')
    res.end('fore')
  })
  const after = await wire(new ScriptedVisit(withCookie), (_req, res) => {
    shout(res)
    res.write('af')
    res.end('ter')
  })
  await Promise.all([before.closed(), after.closed()])
  expect([bodyOf(before.text()), bodyOf(after.text())]).toEqual(['BEFORE', 'AFTER'])
  expect(before.text() + after.text()).toMatch(/session=ours[\s\S]*session=ours/)
})

test('a handler that asks when the head has left: edits have to save themselves, the head is left alone', async () => {
  const visit = new ScriptedVisit(withCookie)
  const { text, closed } = await wireTo(
    nodeSessions(visit, async (req: IncomingMessage, res: ServerResponse) => {
      res.write('begin,')
      await getSession(req)
      await getSession(req, 'other')
      res.end('end')
    }),
  )
  await closed()
  expect(bodyOf(text())).toBe('begin,end')
  expect(text()).not.toContain('session=ours')
  expect(visit.commits).toEqual([200, 200])
  expect(visit.settlings).toBe(1)
})

test('H-08 a client that has left: one commit, no error, whatever the handler still writes', async () => {
  const visit = new ScriptedVisit('waits')
  const left = deferred<ServerResponse>()
  const { cut } = await wire(visit, async (_req, res) => {
    res.on('close', () => left.resolve(res))
    res.write('begin,')
    await left.promise
    res.write('more', () => undefined)
    res.end('end')
  })
  await asked(visit)
  cut()
  await left.promise
  await aWhile()
  visit.committing.resolve(withCookie)
  await aWhile()
  expect(visit.commits).toEqual([200])
})

test('H-08 a server that is told to close still answers what it holds', async () => {
  const visit = new ScriptedVisit('waits')
  const closing = deferred()
  const { text, closed } = await wire(visit, (req, res) => {
    const server: unknown = Reflect.get(req.socket, 'server')
    res.end('body')
    if (server instanceof Server) server.close(() => closing.resolve())
  })
  await asked(visit)
  visit.committing.resolve(withCookie)
  await Promise.all([closed(), closing.promise])
  expect(text()).toMatch(/session=ours[\s\S]*body$/)
})

test('a stream through several transforms comes out whole', async () => {
  const visit = new ScriptedVisit(withCookie)
  const text = 'line\n'.repeat(50_000)
  const { text: got, closed } = await wire(visit, (_req, res) => pipeline(Readable.from([text]), new PassThrough(), res))
  await closed()
  expect(bodyOf(got())).toBe(text)
})
