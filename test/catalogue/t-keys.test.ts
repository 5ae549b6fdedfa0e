import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createRing } from '../../src/core/keys.ts'
import { createSessions, type SessionsOptions, type SessionStore } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { all, secret, stored } from '../support/backends.ts'
import { cookieName, holder, listener, request, tokenOf } from '../support/raw.ts'
import { Visitor } from '../support/visitor.ts'

type Options = SessionsOptions<Record<string, unknown>>

const [oldest, older, newest] = ['o', 'p', 'q'].map((letter) => `${letter}-key ring test secret 0123456789`) as [string, string, string]
const failures = {
  'that throws': () => {
    throw new Error('no entropy')
  },
  'that gives too little': (size: number) => randomBytes(size - 1),
  'that gives too much': (size: number) => randomBytes(size + 1),
  'that gives nothing': () => new Uint8Array(0),
  'that gives null': () => null as never,
  'that gives a promise': (size: number) => Promise.resolve(randomBytes(size)) as never,
  'that gives text': (size: number) => 'x'.repeat(size) as never,
  'that gives a list': (size: number) => Array.from({ length: size }, () => 7) as never,
}

describe.each(all)('keys on $name', (backend) => {
  it.each(Object.entries(failures))('T-02 with a random source %s nothing is made', async (_name, random) => {
    const { sessions, store, close } = backend.setup({ random })
    await expect(new Visitor(sessions).visit((session) => session.set('a', 1))).rejects.toMatchObject({
      code: 'random_failed',
      status: 500,
    })
    expect((store?.calls ?? []).filter((call) => call === 'put')).toEqual([])
    await close()
  })

  it('T-07 S0.13 a token is good exactly while its secret is on the ring, and the next write makes it anew', async () => {
    const { again, close } = backend.setup()
    const rings: readonly (readonly [string | string[], boolean])[] = [
      [oldest, true],
      [[newest, oldest], true],
      [[oldest, newest], true],
      [[newest, older, oldest], true],
      [newest, false],
      [[newest, older], false],
    ]
    for (const [ring, good] of rings) {
      const { visitor, token } = await holder(again({ secret: oldest }))
      const after = new Visitor(again({ secret: ring }), visitor.jar)
      expect((await after.visit((session) => !session.isNew)).result).toBe(good)
      expect(tokenOf(after)).toBe(token)
      await after.visit((session) => session.set('mine', 2))
      const kid = createRing(ring, `\n${cookieName}`).newest.kid
      expect(tokenOf(after).slice(2, 8)).toBe(kid)
      const newestOnly = again({ secret: typeof ring === 'string' ? ring : (ring[0] ?? '') })
      expect((await newestOnly.peek(after.cookie))?.get('mine')).toBe(2)
    }
    await close()
  })

  it('T-08 S0.3 a token is good for its application and its cookie only, under one master secret', async () => {
    const { sessions, again, close } = backend.setup()
    const { token } = await holder(sessions)
    const places: readonly [Partial<Options>, string][] = [
      [{ app: 'other' }, cookieName],
      [{ app: 'tenant 1' }, cookieName],
      [{ app: cookieName }, cookieName],
      [{ cookie: { name: '__Host-other' } }, '__Host-other'],
      [{ cookie: { name: '__Secure-session' } }, '__Secure-session'],
      [{ cookie: { name: 'session', secure: false } }, 'session'],
    ]
    for (const [options, name] of places) {
      const elsewhere = again(options)
      expect((await request(elsewhere, `${name}=${token}`)).opened, name).toBe(false)
      const { token: own } = await holder(elsewhere)
      expect((await request(sessions, `${cookieName}=${own}`)).opened).toBe(false)
    }
    const byHeader = again({ transport: { header: 'x-session' } })
    const head = { method: 'GET', header: (name: string): string | undefined => (name === 'x-session' ? token : undefined) }
    expect((await byHeader.visit(head).session()).isNew).toBe(true)
    await close()
  })

  it('T-09 no other version, algorithm or key id is read', async () => {
    const { sessions, store, close } = backend.setup()
    const { token } = await holder(sessions)
    store?.calls.splice(0)
    const alphabet = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).filter((char) => char !== ';')
    const changed = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((at) => alphabet.map((char) => token.slice(0, at) + char + token.slice(at + 1)))
    const cut = [0, 4, 8, 12, 15, 16].map((bytes) => token.slice(0, token.length - 24 + bytes))
    const none = [
      't1',
      's1',
      'none',
      `${token.slice(0, 8)}`,
      `t1none..${token.slice(8)}`,
      `s1${token.slice(2)}`,
      `t1${token.slice(2)}`,
      'eyJhbGciOiJub25lIn0.e30.',
    ]
    for (const value of [...changed, ...cut, ...none]) {
      if (value !== token) expect((await request(sessions, `${cookieName}=${value}`)).opened, value.slice(0, 20)).toBe(false)
    }
    expect(store?.calls ?? []).toEqual([])
    await close()
  })

  it('T-13 the client sees one and the same for a token that is forged, malformed, expired, revoked or unknown', async () => {
    const { onEvent, rejections } = listener()
    const { sessions, again, advance, close } = backend.setup({ onEvent, lifetime: { idle: '1h' } })
    const make = async (): Promise<Visitor> => (await holder(sessions)).visitor
    const [expired, revoked, good] = [await make(), await make(), await make()]
    await revoked.clone().visit((session) => session.destroy())
    const flipped = tokenOf(good).slice(0, -1) + (tokenOf(good).endsWith('A') ? 'B' : 'A')
    const { token: unknown } = await holder(again({ secret: newest }))
    const cookies = { forged: flipped, malformed: 'junk', empty: '', unknown, gone: 'x'.repeat(5_000) }
    const answers: unknown[] = []
    const ask = async (token: string): Promise<void> => {
      const cookie = `${cookieName}=${token}`
      answers.push((await request(sessions, cookie)).outgoing, (await request(sessions, cookie, (session) => session.destroy())).outgoing)
      expect(await sessions.peek(cookie)).toBeNull()
      const { outgoing } = await request(sessions, cookie, (session) => session.set('a', 1))
      answers.push([outgoing.outcome, outgoing.setCookies.length, outgoing.setCookies[0]?.replace(/=[^;]*/, '')])
    }
    for (const token of Object.values(cookies)) await ask(token)
    if (backend.carrier !== 'sealed') await ask(tokenOf(revoked))
    advance(3_600_001)
    await ask(tokenOf(expired))
    const [first, second, third] = answers
    for (let i = 0; i < answers.length; i += 3) expect(answers.slice(i, i + 3)).toEqual([first, second, third])
    expect(new Set(rejections()).size).toBeGreaterThanOrEqual(4)
    await close()
  })
})

describe.each(stored)('rows on $name', (backend) => {
  it('T-04 T-06 no call to the store, and no row, carries a secret: only its hash', async () => {
    const { sessions, store, close } = backend.setup()
    const { visitor, token, id } = await holder(sessions, 'x')
    const seen: unknown[] = []
    if (store === null) throw new Error('this backend has a store')
    for (const name of ['get', 'put', 'delete', 'touch', 'idsOf'] as const) {
      const call = store[name] as (...args: unknown[]) => Promise<unknown>
      Object.assign(store, { [name]: (...args: unknown[]) => (seen.push(args), call.apply(store, args)) })
    }
    await visitor.visit((session) => session.signIn('ada'))
    const signedIn = tokenOf(visitor)
    await visitor.visit((session) => session.rotate())
    await visitor.visit((session) => session.set('mine', 2))
    const text = JSON.stringify([seen, await store.get(id)])
    expect(text).toContain(id)
    for (const one of [token, signedIn, tokenOf(visitor)]) {
      const own = one.slice(32, 76)
      const pieces = Array.from({ length: 44 - 15 }, (_, at) => own.slice(at, at + 16))
      expect([...pieces, one.slice(76), one].filter((piece) => text.includes(piece))).toEqual([])
    }
    await close()
  })
})

it('T-04 a stolen database opens nothing: no live secret is in its files, and its hashes are no secrets', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-dump-'))
  const sessions = createSessions({ secret, store: sqliteStore({ file: join(folder, 'sessions.db') }) })
  const visitors = Array.from({ length: 20 }, () => new Visitor(sessions))
  for (const visitor of visitors) {
    await visitor.visit((session) => session.set('a', 'a readable value').signIn('ada'))
    await visitor.visit((session) => session.rotate())
  }
  const dump = readdirSync(folder)
    .map((file) => readFileSync(join(folder, file)).toString('latin1'))
    .join('\n')
  expect(dump).toContain('a readable value')
  for (const visitor of visitors) {
    const token = tokenOf(visitor)
    for (const part of [token.slice(32, 76), token.slice(32, 54), token.slice(54, 76), token.slice(76)]) expect(dump).not.toContain(part)
    expect(dump).not.toContain(Buffer.from(token.slice(32, 76), 'base64url').toString('latin1'))
  }
  const [, hash = ''] = /"secret":"([\w-]{43})"/.exec(dump) ?? []
  const own = tokenOf(visitors[0] as Visitor)
  expect((await request(sessions, `${cookieName}=${own.slice(0, 32)}${hash}A${own.slice(76)}`)).opened).toBe(false)
  await sessions.close()
  rmSync(folder, { recursive: true })
})

it('T-02 F-20 with a source that repeats itself a new session neither reads nor overwrites the other', async () => {
  const store: SessionStore = memoryStore()
  const sessions = createSessions({ secret, store, random: (size) => new Uint8Array(size).fill(7) })
  const first = await holder(sessions, 'first')
  const second = new Visitor(sessions)
  await expect(second.visit((session) => session.set('mine', 'second'))).rejects.toMatchObject({ code: 'random_failed' })
  expect((await second.visit((session) => [session.isNew, session.get('mine')])).result).toEqual([true, undefined])
  expect((await first.visitor.visit((session) => session.get('mine'))).result).toBe('first')
  await first.visitor.visit((session) => session.rotate())
  expect((await first.visitor.visit((session) => session.get('mine'))).result).toBe('first')
  await sessions.close()
})

it('F-20 an id that is taken is left alone, and another one is drawn', async () => {
  const taken = Buffer.alloc(18, 7)
  let draws = 0
  const random = (size: number): Uint8Array => (size === 18 && draws++ < 3 ? taken : randomBytes(size))
  const sessions = createSessions({ secret, store: memoryStore(), random })
  const [first, second] = [await holder(sessions, 'first'), await holder(sessions, 'second')]
  expect([first.id, second.id === first.id]).toEqual([taken.toString('base64url'), true])
  expect((await second.visitor.visit((session) => [session.get('mine'), session.id !== first.id])).result).toEqual(['second', true])
  expect((await first.visitor.visit((session) => session.get('mine'))).result).toBe('first')
  await sessions.close()
})
