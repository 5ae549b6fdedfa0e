import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { startNats } from '../../scripts/servers/nats.ts'
import { createSessions } from '../../src/index.ts'
import { storeFromUrl } from '../../src/stores/url.ts'
import { load } from '../../src/stores/url/load.ts'
import { secret } from '../support/backends.ts'
import { warmed } from '../support/google.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { Visitor } from '../support/visitor.ts'

async function counts(url: string): Promise<void> {
  const store = await storeFromUrl(url)
  if (/^(datastore|firestore):/.test(url)) await warmed(url, async () => store.ready?.())
  const sessions = createSessions<Record<string, unknown>>({ secret, store })
  await sessions.ready()
  const visitor = new Visitor(sessions)
  for (const expected of [1, 2]) {
    expect((await visitor.visit((session) => session.update('n', (n) => Number(n ?? 0) + 1))).result).toBe(expected)
  }
  await sessions.close()
}

test('S3.1 memory and a file by their addresses', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-url-'))
  await counts('memory:')
  await counts(`sqlite:${join(folder, 'a b.db')}`)
  await counts(`tiered:memory:+sqlite:${join(folder, 'c.db')}`)
  await counts(`mirrored:sqlite:${join(folder, 'd.db')}+sqlite:${join(folder, 'e.db')}`)
  rmSync(folder, { recursive: true })
})

const addresses: Readonly<Record<string, (url: string) => string>> = {
  redis: (url) => url,
  'redis-cluster': (url) => url.replace('redis:', 'redis-cluster:'),
  memcached: (url) => url,
  postgres: (url) => url,
  mysql: (url) => url,
  datastore: (url) => url,
  firestore: (url) => url,
  mongodb: (url) => Object.assign(new URL(url), { pathname: '/coatcheck' }).href,
  nats: (url) => `${url.replace(/\?.*/, '')}/by-url`,
  etcd: (url) => url,
}

for (const [name, addressOf] of Object.entries(addresses)) {
  describeWith([name], `S3.1 ${name} by its address`, () => {
    test('counts visits, and is closed with the sessions', async () => counts(addressOf(await sharedServer(name))))
  })
}

describeWith(['nats'], 'S3.1 nats by an address with a login', () => {
  test.each([
    [['--user', 'shop', '--pass', 'a/b'], 'shop:a%2Fb'],
    [['--auth', 'to/ken'], 'to%2Fken'],
  ])('%j is told %s', async (settings, login) => {
    const server = await startNats(settings)
    try {
      await counts(server.url.replace('//', `//${login}@`).replace(/\?.*/, '/by-url'))
    } finally {
      await server.stop()
    }
  })
})

describeWith(['dynamodb'], 'S3.1 dynamodb by its address', () => {
  test('counts visits', async () => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' })
    await counts(`dynamodb://us-east-1/by-url?endpoint=${encodeURIComponent(await sharedServer('dynamodb'))}`)
  })
})

describeWith(['memcached', 'postgres'], 'S3.1 a cache in front of a database', () => {
  test('counts visits', async () => counts(`tiered:${await sharedServer('memcached')}+${await sharedServer('postgres')}`))
})

test.each([
  ['', /no store at/],
  ['sessions.db', /no store at/],
  ['reddis://localhost', /no store at "reddis:"/],
  ['constructor:', /no store at/],
  ['tiered:memory:', /two addresses joined by/],
  ['datastore://', /needs a project; write for example datastore:/],
  ['firestore:', /needs a project; write for example firestore:/],
  ['dynamodb:///sessions', /needs a region/],
])('%j is config_invalid', async (url, message) => {
  await expect(storeFromUrl(url)).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringMatching(message) as string })
})

test.each([
  'REDIS://:hunter2@host',
  ' redis://:hunter2@host',
  '"postgres://u:hunter2@host/db"',
  'redis://u:hunter2@ho st',
  'redis://u:hunter2/x@host:1',
  'rediss://u:hunter2@host:port',
  'postgres://u:hunter2#x@host:1/db',
  'mysql://u:hunter2@ho st/db',
  'mysql://u:hunter2%@host/db',
  'redis://u:hunter2%@host',
  'nats://u:hunter2%@host',
  'mongodb://u:hunter2:x@host/db',
  'nats://u:hunter2@ho st/bucket',
  'dynamodb://hunter2 x/table',
  'memcached://u:hunter2@ho st',
  'etcd://u:hunter2@host',
  'sqlite:hunter2%zz.db',
  'tiered:memory:+redis://u:hunter2@ho st',
])('O-01 %s is config_invalid, and nobody reads its password in the error', async (url) => {
  const error: unknown = await storeFromUrl(url).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'config_invalid' })
  expect(inspect(error, { depth: null })).not.toContain('hunter2')
})

test('a + within an address that is no store of its own belongs to the address', async () => {
  await expect(storeFromUrl('tiered:memory:+mongodb+srv://a:b:c@host/db')).rejects.toThrow(/mongodb\+srv:/)
})

test('the first of two stores is closed when the second does not open', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-url-'))
  await expect(storeFromUrl(`tiered:sqlite:${join(folder, 'a.db')}+redis://127.0.0.1:1`)).rejects.toMatchObject({
    code: 'store_unavailable',
  })
  // An open file has its log beside it.
  expect(readdirSync(folder)).not.toContain('a.db-wal')
  rmSync(folder, { recursive: true })
})

test('a client that is not installed is config_invalid, with what to type', async () => {
  await expect(load('no-such-client')).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining('npm install') as string,
  })
})

test.each(['postgres://127.0.0.1:1/none', 'redis://127.0.0.1:1', 'mysql://127.0.0.1:1/none', 'nats://127.0.0.1:1/none'])(
  'F-01 %s, where no server is, is an error at once',
  async (url) => {
    await expect(storeFromUrl(url)).rejects.toMatchObject({ code: 'store_unavailable' })
  },
)
