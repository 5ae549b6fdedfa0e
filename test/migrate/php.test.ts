import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { fromPhp, readPhpSession, type PhpFormat, type PhpOptions } from '../../src/migrate/php.ts'
import type { Golden } from './golden-cases.ts'
import { describeGolden, expectPlain, junkValues, opened } from './golden.ts'

const id = '2kjqreiiiu6i6tclq5t1ki1tv5'
const header = `PHPSESSID=${id}`
const nowMs = 1_700_000_001_000
const read = (text: string, options: PhpFormat = {}) => readPhpSession(Buffer.from(text, 'latin1'), options)
const member = (value: string, options?: PhpFormat) => read(`v|${value}`, options)?.['v']

/** What a store of PHP's has under `PHPREDIS_SESSION:<id>`. */
function storeOf(entries: Readonly<Record<string, string>> = {}) {
  const rows = new Map(Object.entries(entries).map(([key, text]) => [`PHPREDIS_SESSION:${key}`, Buffer.from(text, 'latin1')]))
  const asked: string[] = []
  return { rows, asked, get: async (key: string) => (asked.push(key), rows.get(key) ?? null), del: async (key: string) => rows.delete(key) }
}

const folders: string[] = []
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-php-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text, 'latin1')
    utimesSync(join(folder, name), nowMs / 1_000, nowMs / 1_000)
  }
  return folder
}

function readerFor({ cookie_name, config, cookie_header, stored }: Golden) {
  const { b64, text } = (stored ?? {}) as unknown as { b64?: string; text?: string }
  const bytes = b64 === undefined ? (text ?? null) : Buffer.from(b64, 'base64').toString('latin1')
  const store = storeOf(bytes === null ? {} : { [cookie_header.slice(cookie_header.indexOf('=') + 1)]: bytes })
  const serializeHandler = config?.['session.serialize_handler'] as NonNullable<PhpFormat['serializeHandler']>
  return fromPhp({ store, serializeHandler, cookieName: cookie_name, allowUnsignedIds: true })
}

const float = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, ninf: Number.NEGATIVE_INFINITY, one: 1, neg0: -0, third: 1 / 3 }
const bytes = { raw: Uint8Array.from(Buffer.from('\0\xff|;"}{', 'latin1')) }

describeGolden({
  file: 'php',
  readerFor,
  flipped: () => false,
  // The fixtures have PHP's json_encode, which has no word for these.
  differences: {
    'php.bytes': bytes,
    'php_serialize.bytes': bytes,
    'php_binary.bytes': bytes,
    'php_serialize.float': float,
    'php_binary.float': float,
    'php_binary.enum': { e: 'E::A' },
  },
})

describe('a value', () => {
  test.each<readonly [string, unknown]>([
    ['i:9007199254740991;', 9007199254740991],
    ['i:9007199254740992;', 9007199254740992n],
    ['i:-9223372036854775808;', -(2n ** 63n)],
    ['i:-0;', 0],
    ['d:1.0E+25;', 1e25],
    ['d:5.0E-324;', 5e-324],
    ['d:-INF;', Number.NEGATIVE_INFINITY],
    ['s:0:"";', ''],
    ['s:4:"\xf0\x9f\x98\x80";', '😀'],
    ['a:2:{i:0;i:1;i:1;i:2;}', [1, 2]],
    ['a:2:{i:1;i:1;i:0;i:2;}', { 1: 1, 0: 2 }],
    ['a:2:{i:0;i:1;i:2;i:2;}', { 0: 1, 2: 2 }],
    ['a:1:{s:2:"\xff\x00";i:1;}', { 'ÿ\0': 1 }],
    ['O:8:"stdClass":1:{s:1:"a";O:8:"DateTime":0:{}}', { a: {} }],
  ])('P-04 %s', (text, value) => {
    expect(member(text)).toEqual(value)
  })

  test.each([
    'i:5',
    'i:;',
    'i:0x5;',
    'i:9223372036854775808;',
    'i:99999999999999999999;',
    'd:;',
    'd:1e5e5;',
    'd:NaNi;',
    'b:2;',
    'b:true;',
    'N:',
    's:5:"abc";',
    's:3:"abc"',
    's:3:abc;',
    's:-1:"";',
    's:999999999:"";',
    's:9999999999999999999999:"";',
    'S:1:"a";',
    'a:1:{i:0;}',
    'a:1:{i:0;N;',
    'a:0:{N;}',
    'a:999999999:{}',
    'a:1:{N;i:1;}',
    'a:1:{d:1;i:1;}',
    'a:1:{R:1;i:1;}',
    'R:0;',
    'R:2;',
    'r:1;',
    'r:9;',
    'C:3:"Foo":0:{}',
    'x:1;',
    '',
  ])('S0.5 M-02 %s is none, and so is its session', (text) => {
    expect(read(`v|${text}`)).toBeNull()
    expect(read(`ok|i:1;v|${text}`)).toBeNull()
    expect(read(`\x01v${text}`, { serializeHandler: 'php_binary' })).toBeNull()
  })

  test('M-02 objects come as data where their class is allowed; else there is no session, and nothing is made', () => {
    const cart = 'O:4:"Cart":3:{s:5:"items";a:1:{i:0;s:3:"hat";}s:8:"\0*\0owner";s:3:"ada";s:11:"\0Cart\0total";d:9.5;}'
    expect(member(cart)).toBeUndefined()
    expect(read(`a|i:1;v|${cart}`)).toBeNull()
    for (const classes of [['Cart'], 'all'] as const)
      expect(member(cart, { classes })).toEqual({ items: ['hat'], owner: 'ada', total: 9.5 })
    expect(member(cart, { classes: ['cart'] })).toBeUndefined()
    expect(member('a:1:{i:0;O:4:"Evil":0:{}}', { classes: ['Cart'] })).toBeUndefined()
  })

  test('M-02 references count across the whole session', () => {
    expect(read('a|a:1:{i:0;i:7;}b|R:1;c|R:2;d|i:8;e|R:3;')).toEqual({ a: [7], b: [7], c: 7, d: 8, e: 8 })
    expect(read('a|O:8:"stdClass":0:{}b|r:1;c|i:5;d|R:3;')).toEqual({ a: {}, b: {}, c: 5, d: 5 })
  })

  test('M-02 D-03 what contains itself, is too deep, too large or shared without end is none, at once', () => {
    expect(read('a|a:1:{i:0;R:1;}')).toBeNull()
    expect(read(`a|${'a:1:{i:0;'.repeat(150)}N;${'}'.repeat(150)}`)).not.toBeNull()
    expect(read(`a|${'a:1:{i:0;'.repeat(250)}N;${'}'.repeat(250)}`)).toBeNull()
    expect(read(`a|${'a:1:{i:0;'.repeat(100_000)}`)).toBeNull()
    expect(read(`a|s:1048600:"${'x'.repeat(1_048_600)}";`)).toBeNull()
    // Each holds the one before twice; they have the numbers from 1.
    const doubled = (count: number): string =>
      `v|a:0:{}${Array.from({ length: count }, (_, n) => `v${n}|a:2:{i:0;R:${n + 1};i:1;R:${n + 1};}`).join('')}`
    expect(read(doubled(2))).toEqual({
      v: [],
      v0: [[], []],
      v1: [
        [[], []],
        [[], []],
      ],
    })
    expect(read(doubled(40))).toBeNull()
  })

  test('P-01 a key __proto__ is left out, at any depth', () => {
    const found = read('__proto__|a:1:{s:1:"x";i:1;}a|a:2:{s:9:"__proto__";a:1:{s:1:"x";i:1;}s:1:"b";i:1;}constructor|i:1;')
    expect(found).toEqual({ a: { b: 1 }, constructor: 1 })
    expectPlain(found)
    expect({}).not.toHaveProperty('x')
  })
})

describe('the bytes of a session', () => {
  test('S0.5 junk is none, in no way of writing it', () => {
    for (const text of [...junkValues, '|', 'a|', '\x05ab', '\xffa', 'a:1:{}', 's:1:"a";', 'N;', 'O:8:"stdClass":0:{}', 'a:0:{}x'])
      for (const serializeHandler of ['php', 'php_serialize', 'php_binary'] as const)
        expect(read(text, { serializeHandler }), `${serializeHandler} ${text.slice(0, 40)}`).toBeNull()
    expect(readPhpSession('a|i:1;' as never)).toBeNull()
    expect(readPhpSession(new Uint8Array())).toBeNull()
    // PHP writes no name that is longer, and has another meaning for this bit.
    expect(read(`\x80${'n'.repeat(128)}i:1;`, { serializeHandler: 'php_binary' })).toBeNull()
  })

  test('M-02 written in one way they are no session in another', () => {
    const written = { php: 'a|i:1;', php_serialize: 'a:1:{s:1:"a";i:1;}', php_binary: '\x01ai:1;' } as const
    for (const [one, text] of Object.entries(written))
      for (const serializeHandler of ['php', 'php_serialize', 'php_binary'] as const)
        expect(read(text, { serializeHandler })).toEqual(one === serializeHandler ? { a: 1 } : null)
  })
})

describe('a session in files', () => {
  const fromFolder = (folder: string, options: Partial<PhpOptions> = {}) => fromPhp({ folder, allowUnsignedIds: true, ...options })

  test('S0.4 lives for session.gc_maxlifetime since it was written, and is deleted when it has moved', async () => {
    const folder = folderOf({ [`sess_${id}`]: 'a|i:1;' })
    const reader = fromFolder(folder)
    expect(await opened(reader, header, nowMs + 1_439_999)).toMatchObject({ identity: id, values: { a: 1 }, expiresAt: nowMs + 1_440_000 })
    expect(await opened(reader, header, nowMs + 1_440_000)).toBeNull()
    expect(await opened(fromFolder(folder, { maxLifetime: 86_400 }), header, nowMs + 1_440_000)).not.toBeNull()
    expect((await opened(fromFolder(folder, { keepOld: true }), header, nowMs))?.expiresAt).toBeNull()
    await (await opened(reader, header, nowMs))?.end?.()
    expect(await opened(reader, header, nowMs)).toBeNull()
    expect(await opened(fromFolder(join(folder, 'missing')), header, nowMs)).toBeNull()
  })

  test('M-03 is walked, each named as the cookie names it; what cannot be read is said', async () => {
    const now = Date.now() / 1_000
    const folder = folderOf({ [`sess_${id}`]: 'a|i:1;', sess_aaaaaaaaaaaaaaaaaaaaaaaaaa: 'junk', sess_x: '', other: '' })
    for (const name of [`sess_${id}`, 'sess_aaaaaaaaaaaaaaaaaaaaaaaaaa']) utimesSync(join(folder, name), now, now)
    const reader = fromFolder(folder)
    const page = await reader.walk?.(null, 10)
    const reasons: string[] = []
    const found = await Promise.all(page?.tickets.map((ticket) => ticket.load((why) => reasons.push(why))) ?? [])
    expect(page?.tickets.map(({ identity }) => identity)).toEqual([id, 'aaaaaaaaaaaaaaaaaaaaaaaaaa'])
    expect(found.map((one) => one?.values ?? null)).toEqual([{ a: 1 }, null])
    expect([page?.cursor, reasons, await reader.count?.()]).toEqual([null, ['unreadable'], 2])
  })
})

describe('a session in a store', () => {
  test('S0.6 M-01 what is no id never reaches it', async () => {
    const store = storeOf({ [id]: 'a|i:1;' })
    const reader = fromPhp({ store, allowUnsignedIds: true })
    for (const value of [...junkValues, '../../etc/passwd', `../${id}`, `${id}/`, id.slice(5), `${id}\n`, `"${id}"`, 'a'.repeat(257)])
      expect(await opened(reader, `PHPSESSID=${value}`, nowMs)).toBeNull()
    expect(store.asked).toEqual([])
    expect(await opened(reader, header, nowMs)).toMatchObject({ values: { a: 1 }, expiresAt: nowMs + 1_440_000 })
    await (await opened(reader, header, nowMs))?.end?.()
    expect(store.rows.size).toBe(0)
  })

  test('an id with a comma is one, spelled either way, and an id of its own form where the application says so', async () => {
    const comma = 'abcdefghijklmnopqrstuv,-XY'
    const store = storeOf({ [comma]: 'a|i:1;', short: 'a|i:2;' })
    const reader = fromPhp({ store, allowUnsignedIds: true })
    for (const value of [comma, encodeURIComponent(comma)])
      expect(await opened(reader, `PHPSESSID=${value}`, nowMs)).toMatchObject({ identity: comma, values: { a: 1 } })
    expect(await opened(fromPhp({ store, allowUnsignedIds: true, id: /[a-z]{5}/ }), 'PHPSESSID=short', nowMs)).toMatchObject({
      values: { a: 2 },
    })
    const memcached = {
      get: async (key: string) => (key === `memc.sess.${id}` ? Buffer.from('a|i:3;') : undefined),
      delete: async () => true,
    }
    const other = fromPhp({ store: memcached, prefix: 'memc.sess.', allowUnsignedIds: true })
    expect(await opened(other, header, nowMs)).toMatchObject({ values: { a: 3 } })
  })
})

const store = storeOf()

test.each([
  [{}],
  [{ folder: 'sessions' }],
  [{ store }],
  [{ folder: 'sessions', allowUnsignedIds: false }],
  [{ allowUnsignedIds: true }],
  [{ folder: 'sessions', store, allowUnsignedIds: true }],
  [{ folder: '', allowUnsignedIds: true }],
  [{ folder: 'sessions', prefix: 'x', allowUnsignedIds: true }],
  [{ store: {}, allowUnsignedIds: true }],
  [{ store, prefix: 5, allowUnsignedIds: true }],
  [{ store, id: 'x', allowUnsignedIds: true }],
  [{ store, maxLifetime: 0, allowUnsignedIds: true }],
  [{ store, serializeHandler: 'igbinary', allowUnsignedIds: true }],
  [{ store, serializeHandler: 'constructor', allowUnsignedIds: true }],
  [{ store, classes: 'Cart', allowUnsignedIds: true }],
  [{ store, classes: [5], allowUnsignedIds: true }],
  [{ store, secret: 'x', allowUnsignedIds: true }],
])('M-01 config_invalid: %#', (wrong) => {
  expect(() => fromPhp(wrong as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
})
