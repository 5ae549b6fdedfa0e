/** A Python application on the other side: its cookies here, ours there, and sessions that both keep in memcached and the Datastore. */
import { Datastore } from '@google-cloud/datastore'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import {
  readPickle,
  readWebapp2Cookie,
  webapp2Datastore,
  webapp2Memcache,
  webapp2Sessions,
  writePickle,
  writeWebapp2Cookie,
  type Webapp2Backend,
} from '../../src/migrate/webapp2.ts'
import { writeJson } from '../../src/migrate/webapp2/json.ts'
import { googleClientOptions } from '../support/google.ts'
import { TestMemcache } from '../support/memcache-client.ts'
import { Counterpart, findPython } from '../support/python.ts'
import { describeWith, sharedServer } from '../support/server.ts'

const secretKey = 'the secret_key of both sides: ключ'
const name = 'session'
const seed = Date.now() % 1_000_000

/** JSON that both languages mean the same by, and that fits a cookie with every character escaped. */
const json = fc
  .dictionary(
    fc.string({ unit: 'binary' }).filter((key) => key !== '__proto__'),
    fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }).filter((value) => !JSON.stringify(value).includes('__proto__')),
    { maxKeys: 5, noNullPrototype: true },
  )
  .filter((one) => JSON.stringify(one).length < 450)

/** Python expressions, and what they are here. `u(…)` is text, as all literals are. */
const values: readonly (readonly [expression: string, value: unknown])[] = [
  ['{}', {}],
  ["{'user': 'ada', 'n': 1, 'text': 'é名😀\\x00\\n\\\\'}", { user: 'ada', n: 1, text: 'é名😀\0\n\\' }],
  [
    '[0, 1, -1, 255, 256, 65535, 65536, 2**31 - 1, -2**31, 2**31, -2**31 - 1]',
    [0, 1, -1, 255, 256, 65535, 65536, 2147483647, -2147483648, 2147483648, -2147483649],
  ],
  [
    '[2**53 - 1, 2**53, 2**63, -2**63, 2**64, 2**2040, -2**2047, 10**300]',
    [2 ** 53 - 1, 2n ** 53n, 2n ** 63n, -(2n ** 63n), 2n ** 64n, 2n ** 2040n, -(2n ** 2047n), 10n ** 300n],
  ],
  [
    "[1.5, -0.0, 1e300, 5e-324, float('inf'), float('-inf'), float('nan')]",
    [1.5, -0, 1e300, 5e-324, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN],
  ],
  ['[None, True, False]', [null, true, false]],
  ['[[], [[]], {}, [{}]]', [[], [[]], {}, [{}]]],
  [
    '[datetime.datetime(2012, 1, 20, 1, 2, 3, 456000), datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59, 999000)]',
    [new Date(Date.UTC(2012, 0, 20, 1, 2, 3, 456)), new Date('0001-01-01'), new Date('9999-12-31T23:59:59.999Z')],
  ],
  ['set([1, 2, 3])', new Set([1, 2, 3])],
  ['set()', new Set()],
  ["b'\\x00\\x80\\xff'", Uint8Array.of(0, 128, 255)],
  [
    "{1: 'one', None: 2, 'three': [3]}",
    new Map<unknown, unknown>([
      [1, 'one'],
      [null, 2],
      ['three', [3]],
    ]),
  ],
  ["{(1, 'a'): 1}", new Map([[[1, 'a'], 1]])],
  ["'x' * 70000", 'x'.repeat(70_000)],
  ['dict((str(n), n) for n in range(2100))', Object.fromEntries(Array.from({ length: 2_100 }, (_, n) => [String(n), n]))],
]

/** What JavaScript has no word of its own for: read only. */
const foreign: readonly (readonly [expression: string, value: unknown])[] = [
  ['((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4))', [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]],
  ["frozenset(['a'])", new Set(['a'])],
  [
    '[datetime.date(2012, 2, 29), datetime.timedelta(1, 2, 3000), datetime.timedelta(-1)]',
    [new Date('2012-02-29'), 86_402_003, -86_400_000],
  ],
  ['[datetime.datetime(2012, 1, 20, 1, 2, 3, 4999)]', [new Date(Date.UTC(2012, 0, 20, 1, 2, 3, 4))]],
  ["[bytearray(b'\\x00\\xff'), bytearray()]", [Uint8Array.of(0, 255), new Uint8Array()]],
  [
    "(lambda shared: {'a': shared, 'b': [shared, shared]})([1, {'c': 2}])",
    {
      a: [1, { c: 2 }],
      b: [
        [1, { c: 2 }],
        [1, { c: 2 }],
      ],
    },
  ],
]

interface Hello {
  readonly python: string
  readonly webapp2: string
  readonly webob: string
}

const wanted = [
  { version: '3', install: 'apt-get install python3 python3-webob' },
  { version: '2.7', install: 'pyenv install 2.7.18' },
] as const

for (const { version, install } of wanted) {
  const command = findPython(version)
  if (command === null) {
    const why = `no Python ${version} on this machine (${install})`
    // Debian has had no Python 2 since 2023: to miss it is no reason to fail.
    if (version === '2.7') test(`S0.16 without Python 2.7: ${why}`, () => console.log(`left out: ${why}`))
    else it(`skipped, ${why}`, (context) => context.skip(why))
  } else describe(`Python ${version}`, () => sharedWith(command, version))
}

function sharedWith(command: string, version: '2.7' | '3'): void {
  let python: Counterpart
  const python2 = version === '2.7'

  beforeAll(async () => {
    python = new Counterpart(command)
    const hello = await python.ask<Hello>({ do: 'hello' })
    console.log(`Python ${hello.python}, ${hello.webapp2}, ${hello.webob}`)
  })

  afterAll(() => python.end())

  test('S0.16 S0.7 M-05 its cookies open here', async () => {
    const samples = fc.sample(json, { numRuns: 200, seed })
    const headers = await python.ask<string[]>({
      do: 'write_cookies',
      secret: secretKey,
      name,
      values: samples.map(writeJson),
    })
    const read = headers.map((header) => readWebapp2Cookie(`other=1; ${header}`, { secretKey, name, maxAge: 60 }))
    expect(read, `seed ${seed}`).toEqual(samples)
  })

  test('S0.16 ours open there', async () => {
    const samples = fc.sample(json, { numRuns: 200, seed })
    const headers = samples.map((one) => `a=b; ${name}=${writeWebapp2Cookie(one, { secretKey, name })}; c=d`)
    const read = await python.ask<(string | null)[]>({ do: 'read_cookies', secret: secretKey, name, headers, max_age: 60 })
    expect(
      read.map((one) => JSON.parse(one ?? 'null') as unknown),
      `seed ${seed}`,
    ).toEqual(samples)
  })

  test('S0.2 S0.3 S0.4 both refuse the same', async () => {
    const now = Math.floor(Date.now() / 1000)
    const good = writeWebapp2Cookie({ a: 1 }, { secretKey, name })
    const headers = [
      `${name}=${good}`,
      `${name}="${good.replaceAll('=', '\\075')}"`,
      `${name}=junk; ${name}=${good}`,
      `${name}=${good}; ${name}=junk`,
      `x${name}=${good}`,
      `${name}=${good.slice(0, -1)}`,
      `${name}=${good.slice(1)}`,
      `${name}=${good.toUpperCase()}`,
      `${name}=${good}|`,
      `${name}=`,
      `${name}=${writeWebapp2Cookie({ a: 1 }, { secretKey: `${secretKey}.`, name })}`,
      `${name}=${writeWebapp2Cookie({ a: 1 }, { secretKey, name: 'other' })}`,
      `${name}=${writeWebapp2Cookie({ a: 1 }, { secretKey, name, now: now - 70 })}`,
    ]
    const theirs = await python.ask<(string | null)[]>({ do: 'read_cookies', secret: secretKey, name, headers, max_age: 60 })
    const ours = headers.map((header) => readWebapp2Cookie(header, { secretKey, name, maxAge: 60 }))
    expect(ours.map((one) => one !== null)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      false,
      false,
      false,
      false,
      false,
      false,
      false,
    ])
    expect(theirs.map((one) => one !== null)).toEqual(ours.map((one) => one !== null))
  })

  test('S0.16 M-05 its pickles of every protocol, by both of its picklers, are read here', async () => {
    const highest = await python.ask<number>({ do: 'highest' })
    expect(highest).toBe(python2 ? 2 : 5)
    for (const [expression, value] of [...values, ...foreign]) {
      for (let protocol = 0; protocol <= highest; protocol++) {
        for (const pure of [true, false]) {
          const base64 = await python.ask<string>({ do: 'dump', expression, protocol, pure })
          expect(readPickle(Buffer.from(base64, 'base64')), `${expression}, protocol ${protocol}`).toEqual({ ok: true, value })
        }
      }
    }
  })

  test('S0.16 ours are read there, by both of its unpicklers', async () => {
    for (const [expression, value] of values) {
      const pickled = Buffer.from(writePickle(value)).toString('base64')
      expect(await python.ask<unknown>({ do: 'load', pickled, expression }), expression).toMatchObject({ equal: true })
    }
  })

  describeWith(['memcached'], 'S0.9 S0.16 on memcached', () => {
    let client: TestMemcache
    let port: number

    beforeAll(async () => {
      const url = await sharedServer('memcached')
      port = Number(new URL(url).port)
      client = await TestMemcache.connect(url)
    })

    afterAll(() => client.close())

    sideBySide(
      () => python,
      () => ({ kind: 'memcache', port }),
      () => webapp2Memcache(client),
    )
  })

  describeWith(['datastore'], 'S0.9 S0.16 on the Datastore emulator', () => {
    let port: number

    beforeAll(async () => {
      port = Number(new URL(await sharedServer('datastore')).port)
    })

    sideBySide(
      () => python,
      () => ({ kind: 'datastore', port, project: googleClientOptions.projectId }),
      () => webapp2Datastore({ datastore: new Datastore({ ...googleClientOptions, apiEndpoint: `http://127.0.0.1:${port}` }) }),
    )
  })
}

function sideBySide(python: () => Counterpart, place: () => object, ours: () => Webapp2Backend): void {
  const session = "{'price': 10.0, 'pair': (1, 2), 'when': datetime.datetime(2012, 1, 20, 1, 2, 3, 4), 'n': 0, 'theirs': 0}"

  test('S0.9 both change one session, key by key, and keep each other’s keys and types', async () => {
    const sessions = webapp2Sessions({ secretKey, name, backend: ours() })
    const sid = await sessions.create({})
    const backend = place()
    await python().ask({ do: 'session_set', backend, sid, expression: session })
    for (let round = 1; round <= 5; round++) {
      const values = await sessions.update(sid, (values) => (values['n'] = (values['n'] as number) + 1))
      expect(values).toMatchObject({ price: 10, pair: [1, 2], n: round, theirs: round - 1 })
      await python().ask({ do: 'session_change', backend, sid, key: 'theirs', expression: 'old + 1' })
    }
    const expression = session.replace("'n': 0, 'theirs': 0", "'n': 5, 'theirs': 5")
    expect(await python().ask<unknown>({ do: 'session_is', backend, sid, expression })).toMatchObject({ equal: true })
    const [header] = await python().ask<string[]>({ do: 'write_cookies', secret: secretKey, name, values: [JSON.stringify({ _sid: sid })] })
    expect((await sessions.read(header))?.values).toMatchObject({ n: 5, theirs: 5 })
  })

  test('S0.9 S0.16 a session made here is one there', async () => {
    const sessions = webapp2Sessions({ secretKey, name, backend: ours() })
    const sid = await sessions.create({ user: 'ada', cart: [{ sku: 'A1', price: 9.99 }], seen: new Date(0) })
    const headers = [`${name}=${sessions.cookie(sid)}`]
    const read = await python().ask<string[]>({ do: 'read_cookies', secret: secretKey, name, headers, max_age: 60 })
    expect(JSON.parse(read[0] ?? '')).toEqual({ _sid: sid })
    const expression = "{'user': 'ada', 'cart': [{'sku': 'A1', 'price': 9.99}], 'seen': datetime.datetime(1970, 1, 1)}"
    expect(await python().ask<unknown>({ do: 'session_is', backend: place(), sid, expression })).toMatchObject({ equal: true })
  })
}
