/** memcached behind a password, and behind TLS. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import { findProgram, type Server } from '../../scripts/servers/launch.ts'
import { startMemcached } from '../../scripts/servers/memcached.ts'
import type { SessionStore } from '../../src/index.ts'
import { memcachedStore, type MemcachedStoreOptions } from '../../src/stores/memcached.ts'
import { type Certificate, selfMadeCertificate } from '../support/certificate.ts'
import { describeWith } from '../support/server.ts'
import { row, say, statOf } from './memcached-tools.ts'

const password = 'C4nary:p@ss/w%rd'

function open(servers: string, tls?: MemcachedStoreOptions['tls']): SessionStore {
  const store = memcachedStore({ servers, ...(tls === undefined ? {} : { tls }) })
  onTestFinished(() => store.close?.())
  return store
}

/** Files in a folder of their own, and a server that is started with them. */
async function startWith(
  files: Readonly<Record<string, string>>,
  settings: (pathOf: (name: string) => string) => readonly string[],
): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-memcached-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const server = await startMemcached(settings((name) => join(folder, name)))
  onTestFinished(async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  })
  return server
}

async function works(store: SessionStore): Promise<void> {
  await store.ready?.()
  const one = row()
  const version = await store.put(one, null)
  expect(await store.get(one.id)).toEqual({ ...one, version })
}

const secretive = expect.not.stringContaining('C4nary')
const refused = (words: string): object => ({ code: 'config_invalid', message: expect.stringContaining(words) })

describeWith(['memcached'], 'a memcached with a password (-Y):', () => {
  const start = (): Promise<Server> => startWith({ users: `ann:other\nbob:${password}\n` }, (pathOf) => ['-Y', pathOf('users')])
  const url = ({ port }: Server, login: string): string => `memcached://${login}127.0.0.1:${port}`

  test('the right one opens it', async () => {
    await works(open(url(await start(), `bob:${encodeURIComponent(password)}@`)))
  })

  test.each([
    ['no password', '', 'asks for a user and password'],
    ['a wrong password', 'bob:C4nary@', 'refuses the user and password'],
    ['a wrong user', `eve:${encodeURIComponent(password)}@`, 'refuses the user and password'],
  ])('O-01 %s is config_invalid at ready, store_unavailable later, and repeated nowhere', async (_what, login, words) => {
    const store = open(url(await start(), login))
    await expect(store.ready?.()).rejects.toMatchObject(refused(words))
    await expect(store.ready?.()).rejects.toMatchObject({ message: secretive })
    await expect(store.get(row().id)).rejects.toMatchObject({ code: 'store_unavailable', message: secretive })
  })

  test('F-16 a server without a password is not given one: it would keep it, for everybody to read', async () => {
    const server = await startWith({}, () => [])
    const store = open(url(server, `bob:${encodeURIComponent(password)}@`))
    await expect(store.ready?.()).rejects.toMatchObject(refused('start it with -Y'))
    await expect(store.put(row(), null)).rejects.toMatchObject({ code: 'store_unavailable', message: secretive })
    expect(await statOf(server.url, 'cmd_set')).toBe('0')
    expect(await say(server.url, 'mg auth v\r\n')).toBe('EN\r\n')
  })
})

const right = selfMadeCertificate({ commonName: 'localhost' })
const wrong = selfMadeCertificate({ commonName: 'localhost' })
const elsewhere = selfMadeCertificate({ commonName: 'cache.example' })
const expired = selfMadeCertificate({ commonName: 'localhost', days: [-9, -1] })

/** Whether this memcached was built with TLS. */
function hasTls(): boolean {
  const program = findProgram(['memcached'])
  return program !== null && execFileSync(program, ['-h'], { encoding: 'utf8' }).includes('--enable-ssl')
}

const noTls = 'no memcached with TLS (a build with --enable-tls, as Debian has)'
if (!hasTls()) it(`F-16 memcached over TLS: skipped, ${noTls}`, (context) => context.skip(noTls))
else {
  describe('F-16 a memcached with TLS (-Z):', () => {
    const start = ({ cert, key }: Certificate, more: readonly string[] = [], files = {}): Promise<Server> =>
      startWith({ cert, key, ...files }, (pathOf) => [
        '-Z',
        '-o',
        `ssl_chain_cert=${pathOf('cert')},ssl_key=${pathOf('key')}`,
        ...more.map((word) => (word in files ? pathOf(word) : word)),
      ])

    test('known by its certificate', async () => {
      const { port } = await start(right)
      await works(open(`memcacheds://localhost:${port}`, { ca: right.cert }))
      await works(open(`localhost:${port}`, { ca: right.cert }))
    })

    test('known by the name it is said to have', async () => {
      const { port } = await start(elsewhere)
      await works(open(`memcacheds://127.0.0.1:${port}`, { ca: elsewhere.cert, servername: 'cache.example' }))
    })

    test('with a password', async () => {
      const { port } = await start(right, ['-Y', 'users'], { users: `bob:${password}\n` })
      await works(open(`memcacheds://bob:${encodeURIComponent(password)}@localhost:${port}`, { ca: right.cert }))
    })

    test.each([
      ['signed by somebody unknown', wrong, { ca: right.cert }],
      ['signed by nobody the system knows', right, undefined],
      ['of another host', elsewhere, { ca: elsewhere.cert }],
      ['expired', expired, { ca: expired.cert }],
    ])('is refused when its certificate is %s', async (_what, certificate, tls) => {
      const { port } = await start(certificate)
      const store = open(`memcacheds://localhost:${port}`, tls)
      for (const call of [store.ready?.(), store.get(row().id), store.put(row(), null)]) {
        await expect(call).rejects.toMatchObject({ code: 'store_unavailable' })
      }
    })

    test('and a client without TLS do not understand each other', async () => {
      const { port } = await start(right)
      await expect(open(`localhost:${port}`).get(row().id)).rejects.toMatchObject({ code: 'store_unavailable' })
    })
  })
}

describeWith(['memcached'], 'F-16 TLS to', () => {
  test('a server without it is refused', async () => {
    const { port } = await startWith({}, () => [])
    await expect(open(`memcacheds://localhost:${port}`).get(row().id)).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  test('somebody with a wrong certificate says nothing, least of all the password', async () => {
    let heard = ''
    const impostor = createTlsServer({ key: wrong.key, cert: wrong.cert }, (socket) => {
      socket.on('error', () => socket.destroy())
      socket.on('data', (bytes) => void (heard += bytes.toString('latin1')))
    })
    impostor.on('tlsClientError', () => null)
    impostor.listen(0, '127.0.0.1')
    await once(impostor, 'listening')
    onTestFinished(() => void impostor.close())
    const { port } = impostor.address() as AddressInfo
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    onTestFinished(() => void delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'])
    const store = open(`memcacheds://bob:${encodeURIComponent(password)}@localhost:${port}`, { ca: right.cert })
    await expect(store.get(row().id)).rejects.toMatchObject({ code: 'store_unavailable' })
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(heard).toBe('')
  })
})
