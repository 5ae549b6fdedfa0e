/** What bytes of a server may do to us: be an answer, or end the connection. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Connection } from '../../src/stores/memcached/connection.ts'
import { find, isLocked, more, type Question, remove, statistics, store } from '../../src/stores/memcached/questions.ts'
import { type Reply, ReplyReader } from '../../src/stores/memcached/replies.ts'

function readAll(chunks: readonly Uint8Array[]): { line: string; value: string | null }[] {
  const replies: { line: string; value: string | null }[] = []
  const reader = new ReplyReader(({ line, value }) => replies.push({ line, value: value?.toString('base64') ?? null }))
  for (const chunk of chunks) reader.take(Buffer.from(chunk))
  return replies
}

const line = fc
  .stringMatching(/^(?:HD|EN|NS|EX|NF|STAT|MN)( [ -~]{0,12}){0,3}$/)
  .map((text) => ({ line: text, value: null, bytes: `${text}\r\n` }))
const value = fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.stringMatching(/^( [cO][0-9a-z]{1,8}){0,2}$/)).map(([bytes, flags]) => {
  const text = Buffer.from(bytes).toString('latin1')
  const head = `VA ${bytes.length}${flags}`
  return { line: head, value: Buffer.from(bytes).toString('base64'), bytes: `${head}\r\n${text}\r\n` }
})

/** The bytes, cut at some places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, n) => bytes.subarray(at[n], end))
}

describe('F-06 cut into replies', () => {
  test('wherever the bytes are cut, the replies are the same', () => {
    const places = fc.array(fc.nat(5_000), { maxLength: 30 })
    fc.assert(
      fc.property(fc.array(fc.oneof(line, value), { maxLength: 12 }), places, (replies, at) => {
        const bytes = Buffer.from(replies.map((one) => one.bytes).join(''), 'latin1')
        const expected = replies.map((one) => ({ line: one.line, value: one.value }))
        expect(readAll(cut(bytes, at))).toEqual(expected)
        expect(readAll([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  test('a reply that is not whole is not handed on', () => {
    for (const bytes of ['HD', 'HD\r', 'VA 3 c1\r\nab', 'VA 3 c1\r\nabc', 'VA 3 c1\r\nabc\r'])
      expect(readAll([Buffer.from(bytes)])).toEqual([])
  })

  test('what can be no reply is an error at once', () => {
    const wrong = [
      'HD\n',
      '\n',
      'VA\r\n',
      'VA x\r\n',
      'VA -1\r\n',
      'VA 03\r\n',
      'VA 1e3\r\n',
      'VA 3\r\nabcd\r\n',
      'VA 3\r\nabcdeHD\r\n',
      'VA 3\r\nabcd\nHD\r\n',
      'VA 3\r\nabc\rxHD\r\n',
      'VA 3\r\nabc\n\r\n',
      'x'.repeat(3_000),
    ]
    for (const bytes of wrong) expect(() => readAll([Buffer.from(bytes)]), bytes).toThrow()
  })

  test('a value of 1 MB in pieces of 1 KB is put together once', () => {
    const megabyte = Buffer.alloc(1024 * 1024, 'x')
    const bytes = Buffer.concat([Buffer.from(`VA ${megabyte.length} c1 O0\r\n`), megabyte, Buffer.from('\r\n')])
    const began = performance.now()
    const replies = readAll(Array.from({ length: Math.ceil(bytes.length / 1_024) }, (_, n) => bytes.subarray(n * 1_024, (n + 1) * 1_024)))
    expect(replies).toEqual([{ line: 'VA 1048576 c1 O0', value: megabyte.toString('base64') }])
    expect(performance.now() - began).toBeLessThan(1_000)
  })
})

const reply = (text: string, bytes: string | null = null): Reply => ({ line: text, value: bytes === null ? null : Buffer.from(bytes) })

describe('F-08 an answer that is not exactly one to the question', () => {
  const questions: Record<string, [Question<unknown>, fine: readonly string[], wrong: readonly string[]]> = {
    find: [find('k'), ['EN O7', 'EN'], ['HD c5 O7', 'NS O7', 'NF O7', 'VA 3 c5 O7']],
    create: [
      store('k', Buffer.from('v'), 1, null),
      ['HD c5 O7', 'NS c0 O7', 'NS O7 c0'],
      ['EX c0 O7', 'NF c0 O7', 'EN O7', 'HD c0 O7', 'HD O7'],
    ],
    replace: [store('k', Buffer.from('v'), 1, '4'), ['HD O7 c5', 'EX c0 O7', 'EX c4 O7', 'NF c0 O7'], ['NS c0 O7', 'EN O7', 'HD c0 O7']],
    remove: [remove('k'), ['HD O7', 'NF O7', 'HD  O7', 'NF  O7'], ['EX O7', 'NS O7', 'EN O7']],
  }
  const others = [
    'HD',
    'HD O8 c5',
    'HD O7 O7 c5',
    'HD c5 O7 x',
    'HD c5 c5 O7',
    'HD c-5 O7',
    'HD c123456789012345678901 O7',
    'hd O7',
    'OK O7',
    'STORED',
  ]
  const never = [
    ...others,
    'ERROR',
    'CLIENT_ERROR bad command line format',
    'SERVER_ERROR something',
    'EN O8',
    'NF',
    'NS c0',
    'EX c0',
    '',
    'MN',
    'END',
  ]

  test.each(Object.entries(questions))('%s', (_name, [question, fine, wrong]) => {
    for (const text of fine) expect(() => question.read(reply(text), '7'), text).not.toThrow()
    for (const text of [...never, ...wrong]) expect(() => question.read(reply(text), '7'), text).toThrow()
  })

  test('a value belongs to a find alone, with its tag and its version', () => {
    expect(find('k').read(reply('VA 1 c5 O7', 'v'), '7')).toEqual({ value: Buffer.from('v'), cas: '5' })
    expect(find('k').read(reply('VA 1 O7 c18446744073709551615', 'v'), '7')).toMatchObject({ cas: '18446744073709551615' })
    for (const text of ['VA 1 c5 O8', 'VA 1 c5', 'VA 1 O7', 'VA 1 c0 O7', 'VA 1 c05 O7', 'VA 1 c5 O7 kx']) {
      expect(() => find('k').read(reply(text, 'v'), '7'), text).toThrow()
    }
    for (const [, [question]] of Object.entries(questions).slice(1)) expect(() => question.read(reply('VA 1 c5 O7', 'v'), '7')).toThrow()
  })

  test('what somebody marked as outdated is not there', () => {
    expect(find('k').read(reply('VA 1 c5 O7 W X', 'v'), '7')).toBeNull()
  })

  test('O-01 the error repeats nothing but memcached’s own words', () => {
    const canary = 'Canary{"card":"4111"}'
    for (const text of [canary, `HD ${canary}`, `CLIENT_ERROR ${canary}`, `VA 1 ${canary}`, `STAT ${canary}`]) {
      for (const question of [find('k'), remove('k'), statistics(null), isLocked('k')]) {
        expect(() => question.read(reply(text), '7'), text).toThrow(
          expect.not.objectContaining({ message: expect.stringMatching(/anary|4111/) }),
        )
      }
    }
    expect(() => find('k').read(reply('SERVER_ERROR out of memory writing get response'), '7')).toThrow(
      'out of memory writing get response',
    )
  })

  test('statistics end where they end', () => {
    const question = statistics(null)
    expect(question.read(reply('STAT version 1.6.18'), '0')).toBe(more)
    expect(question.read(reply('STAT domain_socket '), '0')).toBe(more)
    expect(question.read(reply('END'), '0')).toEqual(
      new Map([
        ['version', '1.6.18'],
        ['domain_socket', ''],
      ]),
    )
  })
})

/** Somebody who says this to whoever connects and asks. */
async function liar(bytes: Buffer): Promise<Connection> {
  const server = createServer((socket) => socket.once('data', () => socket.write(bytes)).on('error', () => socket.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  const connection = new Connection(socket, 20)
  onTestFinished(() => {
    socket.destroy()
    server.close()
  })
  return connection
}

test('F-06 F-08 whatever a server sends, every question ends, and with its own answer or none', async () => {
  const word = fc.constantFrom('VA ', 'HD', 'EN', 'NF', ' c5', ' O0', ' O1', ' O2', '\r\n', '3', 'abc', 'ERROR', ' ', '\n', 'c0')
  const whole = fc.constantFrom(
    'VA 3 c5 O0\r\nrow\r\n',
    'VA 3 c5 O1\r\nrow\r\n',
    'VA 3 c5 O2\r\nrow\r\n',
    'EN O0\r\n',
    'EN O1\r\n',
    'EN O2\r\n',
  )
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    fc.array(fc.oneof(word, whole, { arbitrary: whole, weight: 3 }), { maxLength: 8 }).map((words) => Buffer.from(words.join(''))),
  )
  await fc.assert(
    fc.asyncProperty(noise, async (bytes) => {
      const connection = await liar(bytes)
      const answers = await Promise.allSettled([0, 1, 2].map((n) => connection.ask(find(`key${n}`))))
      for (const [n, answer] of answers.entries()) {
        if (answer.status === 'rejected' || answer.value === null) continue
        expect(bytes.toString('latin1')).toContain(`VA 3 c5 O${n}\r\n`)
        expect(answer.value.value.toString()).toHaveLength(3)
      }
      // An answer that nobody had asked for ends it too.
      connection.retire()
      await connection.ended
    }),
    { numRuns: 100 },
  )
})

test('an answer that comes when nothing was asked ends the connection', async () => {
  const connection = await liar(Buffer.from('EN O0\r\nEN O1\r\n'))
  expect(await connection.ask(find('a'))).toBeNull()
  await connection.ended
  await expect(connection.ask(find('b'))).rejects.toThrow('nobody had asked')
})
