import { describe, expect, test } from 'vitest'
import { createSessions, type MoveIn } from '../../src/index.ts'
import { fromWebapp2, webapp2Memcache, webapp2Sessions, writeWebapp2Cookie } from '../../src/migrate/webapp2.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { TestMemcache } from '../support/memcache-client.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { Visitor } from '../support/visitor.ts'

const secret = 'a secret for moving in, longer than 32 bytes'
const secretKey = 'my-super-secret-key'
/** The store has a clock of its own. */
const nowMs = Math.floor(Date.now() / 1000) * 1000
const old = { secretKey, name: 'session', now: nowMs / 1000 }

function moving(...moveIn: MoveIn[]) {
  return createSessions<Record<string, unknown>>({ secret, store: memoryStore(), clock: () => nowMs, moveIn })
}

function arriving(sessions: ReturnType<typeof moving>, cookie: string, name = 'session'): Visitor {
  const visitor = new Visitor(sessions)
  visitor.jar.set(name, cookie)
  return visitor
}

const shown = (visitor: Visitor) => visitor.visit((session) => Object.fromEntries(session)).then(({ result }) => result)

describe('a session in the cookie', () => {
  const cookie = writeWebapp2Cookie({ user: 'ada', cart: [1, 2] }, old)

  test('M-03 S0.7 moves in once, quoted or not, and its cookie is dead from then on', async () => {
    const sessions = moving(fromWebapp2({ secretKey }))
    const visitor = arriving(sessions, `"${cookie.replaceAll('=', '\\075')}"`)
    expect(await shown(visitor)).toEqual({ user: 'ada', cart: [1, 2] })
    expect(visitor.jar.has('session')).toBe(false)
    expect(await shown(visitor)).toEqual({ user: 'ada', cart: [1, 2] })
    for (const replayed of [cookie, `"${cookie}"`, `"${cookie.replaceAll('=', '\\075')}"`]) {
      expect(await shown(arriving(sessions, replayed))).toEqual({})
    }
    await sessions.close()
  })

  test('M-04 twenty requests at once make one session', async () => {
    const sessions = moving(fromWebapp2({ secretKey }))
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => (await arriving(sessions, cookie).visit((session) => session.id)).result),
    )
    expect(new Set(ids).size).toBe(1)
    await sessions.close()
  })

  test('M-01 T-08 another key, another name, no signature, a cookie of ours under its name: nobody', async () => {
    const sessions = moving(fromWebapp2({ secretKey, maxAge: 60 }))
    const forged = [
      writeWebapp2Cookie({ user: 'eve' }, { ...old, secretKey: 'guessed' }),
      writeWebapp2Cookie({ user: 'eve' }, { ...old, name: 'other' }),
      writeWebapp2Cookie({ user: 'eve' }, { ...old, now: old.now - 61 }),
      writeWebapp2Cookie({ user: 'eve' }, { ...old, now: old.now + 61 }),
      `${cookie.slice(0, -40)}${'0'.repeat(40)}`,
      cookie.slice(0, -41),
      Buffer.from('{"user":"eve"}').toString('base64'),
    ]
    for (const one of forged) expect(await shown(arriving(sessions, one))).toEqual({})
    await sessions.close()
  })

  test('the application maps values and says who is signed in, and a cookie under another name is read', async () => {
    const reader = fromWebapp2({ secretKey, cookieName: 'auth', map: ({ user }) => ({ values: { name: user }, user: String(user) }) })
    const sessions = moving(reader)
    const visitor = arriving(sessions, writeWebapp2Cookie({ user: 'ada', x: 1 }, { ...old, name: 'auth' }), 'auth')
    expect((await visitor.visit((session) => [session.user, session.get('name'), session.has('x')])).result).toEqual(['ada', 'ada', false])
    await sessions.close()
  })
})

test.each([
  [{}],
  [{ secretKey: '' }],
  [{ secretKey, secret_key: 'x' }],
  [{ secretKey, cookieName: 'a b' }],
  [{ secretKey, sunset: 'soon' }],
])('config_invalid: %j', (wrong) => {
  expect(() => fromWebapp2(wrong as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
})

describeWith(['memcached'], 'sessions in a real memcached', () => {
  test('M-03 S0.6 S0.10 move in, end in memcached, and only a genuine sid is asked for', async () => {
    const client = await TestMemcache.connect(await sharedServer('memcached'))
    const backend = webapp2Memcache(client)
    const python = webapp2Sessions({ secretKey, name: 'session', backend, clock: () => nowMs })
    const sid = await python.create({ user: 'ada', since: new Date(0) })
    const sessions = moving(fromWebapp2({ secretKey, backend }))
    client.asked.length = 0
    for (const forged of [writeWebapp2Cookie({ _sid: 'x' }, old), writeWebapp2Cookie({ user: 'eve' }, old), `${python.cookie(sid)}0`]) {
      expect(await shown(arriving(sessions, forged))).toEqual({})
    }
    expect(client.asked).toEqual([])
    expect(await shown(arriving(sessions, python.cookie(sid)))).toEqual({ user: 'ada', since: new Date(0) })
    expect(client.asked).toEqual([`gets ${sid}`, `delete ${sid}`])
    expect(await python.read(`session=${python.cookie(sid)}`)).toBeNull()
    await sessions.close()
    client.close()
  })

  test('M-06 with keepOld the Python application still has it', async () => {
    const client = await TestMemcache.connect(await sharedServer('memcached'))
    const backend = webapp2Memcache(client)
    const python = webapp2Sessions({ secretKey, name: 'session', backend, clock: () => nowMs })
    const cookie = python.cookie(await python.create({ n: 1 }))
    const sessions = moving(fromWebapp2({ secretKey, backend, keepOld: true }))
    const visitor = arriving(sessions, cookie)
    expect(await shown(visitor)).toEqual({ n: 1 })
    expect(visitor.jar.get('session')).toBe(cookie)
    expect((await python.read(`session=${cookie}`))?.values).toEqual({ n: 1 })
    await sessions.close()
    client.close()
  })
})
