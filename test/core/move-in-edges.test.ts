/** Old cookies in their last moment, with odd ends, and under names that are taken. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createSessions, type MoveIn, type SessionsOptions } from '../../src/index.ts'
import { readerOf, type MoveInOptions } from '../../src/migrate/common/reader.ts'
import { fromCookieSession } from '../../src/migrate/cookie-session.ts'
import { fromWebapp2, writeWebapp2Cookie } from '../../src/migrate/webapp2.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { tieredStore } from '../../src/stores/tiered.ts'
import { secret } from '../support/backends.ts'
import { hurried } from '../support/hurried.ts'
import { oldSystem } from '../support/old-system.ts'
import { Visitor } from '../support/visitor.ts'

type Any = Record<string, unknown>

const startMs = 1_800_000_000_500

/** Twenty requests at once with these cookies; then the logout, and the cookies once more. */
async function storm(reader: MoveIn, cookies: [string, string][], options: Partial<SessionsOptions<Any>> = {}) {
  let nowMs = startMs
  const clock = (): number => nowMs
  // The store's clock is ahead, as far as clocks may differ.
  const store = memoryStore({ clock: () => nowMs + 4 * 60_000 })
  const sessions = createSessions<Any>({ secret, store, clock, moveIn: [reader], ...hurried, ...options })
  onTestFinished(() => sessions.close())
  const visitors = Array.from({ length: 20 }, () => new Visitor(sessions, new Map(cookies)))
  const ids = await Promise.all(visitors.map(async (one) => (await one.visit((session) => session.id)).result))
  const winner = visitors.find(({ jar }) => jar.has('__Host-session'))
  await winner?.visit((session) => session.destroy())
  const replay = async (): Promise<boolean> => (await new Visitor(sessions, new Map(cookies)).visit((session) => session.isNew)).result
  const at = (afterMs: number): void => void (nowMs = startMs + afterMs)
  return { sessions: new Set(ids).size, at, replay }
}

describe('an old cookie in its last moment', () => {
  test('M-03 M-04 of webapp2, in the second in which it ends: one session, and after the logout none', async () => {
    const keys = { secretKey: 'my-super-secret-key', name: 'session' }
    const cookie = writeWebapp2Cookie({ user: 'ada' }, { ...keys, now: Math.floor(startMs / 1000) - 60 })
    const reader = fromWebapp2({ secretKey: keys.secretKey, maxAge: 60 })
    const { sessions, at, replay } = await storm(reader, [['session', cookie]])
    expect(sessions).toBe(1)
    at(499)
    expect(await replay()).toBe(true)
  })

  test.each([-5, 0, 0.5, 1, Number.NEGATIVE_INFINITY, Number.NaN, Number.POSITIVE_INFINITY])(
    'M-03 M-04 it ends in %d ms: one session, and after the logout none',
    async (leftMs) => {
      // Its reader takes it to its very end, or judges that end by another clock.
      const { reader } = oldSystem({ keepOld: true, expiresAt: startMs + leftMs })
      const { sessions, at, replay } = await storm(reader, [['old', 'a.good']])
      expect(sessions).toBe(1)
      at(1)
      expect(await replay()).toBe(true)
    },
  )

  test('M-03 before the sunset, by the clock of a node that is behind its store, no cookie comes back', async () => {
    const { reader } = oldSystem({ keepOld: true })
    const { at, replay } = await storm({ ...reader, sunsetAt: startMs + 1_000 }, [['old', 'a.good']])
    at(1_000)
    expect(await replay()).toBe(true)
  })

  test.each([startMs + 86_400_000 / 7, Number.NaN, Number.POSITIVE_INFINITY])(
    'M-04 it ends at %d: stores that keep whole milliseconds take it too',
    async (expiresAt) => {
      const folder = mkdtempSync(join(tmpdir(), 'coatcheck-edges-'))
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
      const options = { store: sqliteStore({ file: join(folder, 'sessions.db') }) }
      const old = oldSystem({ expiresAt })
      expect((await storm(old.reader, [['old', 'a.good']], options)).sessions).toBe(1)
      old.rows.set('b', { n: 2 })
      const store = sqliteStore({ file: join(folder, 'others.db') })
      const sessions = createSessions<Any>({ secret, store, clock: () => startMs, moveIn: [old.reader] })
      expect(await sessions.moveInPage('old')).toMatchObject({ moved: 1, refused: 0 })
      await sessions.close()
    },
  )
})

test('M-04 L-03 in two processes, each with a cache before one store: one session, and nobody is anonymous', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-edges-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const durable = sqliteStore({ file: join(folder, 'sessions.db') })
  const old = oldSystem({ user: 'ada' })
  const engines = [1, 2].map(() =>
    createSessions<Any>({ secret, store: tieredStore({ cache: memoryStore(), durable }), moveIn: [old.reader] }),
  )
  const visitors = Array.from({ length: 20 }, (_, i) => new Visitor(engines[i % 2] ?? expect.fail(), new Map([['old', 'a.good']])))
  const seen = await Promise.all(visitors.map(async (one) => (await one.visit(({ id, user }) => `${id} ${user}`)).result))
  await durable.close?.()
  expect(new Set(seen).size).toBe(1)
  expect(seen[0]).toMatch(/ ada$/)
})

describe('a name that is taken', () => {
  const codeOf = (options: Partial<SessionsOptions<Any>>): unknown => {
    try {
      createSessions<Any>({ secret, ...options })
      return null
    } catch (error) {
      return (error as { code?: unknown }).code
    }
  }
  const moveIn = [fromCookieSession({ keys: 'k' })]
  const store = memoryStore()

  test('M-01 S3.4 the cookie that a reader expires is not the one that the new ticket comes in', () => {
    expect(codeOf({ store, moveIn })).toBe(null)
    expect(codeOf({ store, moveIn, cookie: { name: 'session', secure: false } })).toBe('config_invalid')
    expect(codeOf({ store, moveIn, cookie: { name: 'session.sig', secure: false } })).toBe('config_invalid')
    expect(codeOf({ store, moveIn, transport: { header: 'session' } })).toBe(null)
  })

  test('M-01 nor that of another named session', () => {
    const prefs = { store, cookie: { name: 'session', secure: false }, moveIn: [] }
    expect(codeOf({ stores: { auth: { store, moveIn }, prefs } })).toBe('config_invalid')
  })
})

describe('a map that answers no session', () => {
  const readerWith = (map: unknown): MoveIn => {
    const ticket = { identity: 'x', load: () => ({ values: { n: 1 }, expiresAt: null }) }
    const walk = async () => ({ tickets: [ticket], cursor: null })
    return readerOf('fromOld', { map } as MoveInOptions, { system: 'old', cookieName: 'old', verify: () => ticket, walk })
  }

  test.each([undefined, 42, {}, { user: 'ada' }, { values: null }, { values: ['a'] }, { values: 'abc' }, { values: new Map([['a', 1]]) }])(
    'M-05 %j: the error says what to write, nothing has moved, and in bulk it keeps no other',
    async (answer) => {
      const reader = readerWith(() => answer)
      const sessions = createSessions<Any>({ secret, store: memoryStore(), moveIn: [reader] })
      const request = new Visitor(sessions, new Map([['old', '1']])).visit((session) => session.isNew)
      await expect(request).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining('map') })
      expect(await sessions.moveInPage('old')).toMatchObject({ moved: 0, refused: 1, refusals: [{ why: 'map_failed' }] })
    },
  )

  test('null prototypes and members beside are fine', async () => {
    const reader = readerWith(() => ({ values: Object.assign(Object.create(null), { n: 2 }), user: undefined, more: true }))
    const sessions = createSessions<Any>({ secret, store: memoryStore(), moveIn: [reader] })
    const { result } = await new Visitor(sessions, new Map([['old', '1']])).visit((session) => session.get('n'))
    expect(result).toBe(2)
  })
})
