import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createSessions } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { all, secret } from '../support/backends.ts'
import { faulty } from '../support/faults.ts'
import { cookieName, listener, request, tokenOf } from '../support/raw.ts'
import { Visitor } from '../support/visitor.ts'

const canary = 'CANARY-value-0123456789'

describe.each(all)('secrets on $name', (backend) => {
  it('O-01 S0.15 are in no event, error, warning, JSON or dump of anything we hand out', async () => {
    const said: string[] = []
    const say = (thing: unknown): void =>
      void said.push(
        inspect(thing, { depth: 12, showHidden: true, getters: false }),
        thing instanceof Error ? `${thing.stack}` : '',
        JSON.stringify(thing) ?? '',
      )
    const hear = (warning: Error): void => say(warning)
    process.on('warning', hear)
    const { store, broken } = faulty()
    const kept = { ...store, guarantees: { ...store.guarantees, mayEvict: false } }
    const { sessions, advance, close } = backend.setup({ onEvent: say, ...(backend.carrier === 'sealed' ? {} : { store: kept }) })
    const visitor = new Visitor(sessions)
    const tokens: string[] = []
    const step = async (handler: Parameters<Visitor['visit']>[0]): Promise<void> => {
      tokens.push(...visitor.jar.values())
      await visitor.visit(handler).catch(say)
      tokens.push(...visitor.jar.values())
    }
    await step((session) => session.set('pin', canary))
    await step((session) => session.signIn('ada'))
    const old = visitor.clone()
    await step((session) => session.rotate({ grace: 0 }))
    await step((session) => session.set('pin', { [canary]: () => canary }))
    await step((session) => session.set('pin', canary.repeat(5_000)))
    for (const name of ['get', 'put'] as const) {
      broken.add(name)
      await step((session) => session.set('pin', `${canary}2`))
      broken.clear()
    }
    const token = tokenOf(visitor)
    for (const value of [`${token}A`, token.slice(0, -1), `${token}; ${cookieName}=${token.slice(0, -1)}_`])
      await request(sessions, `${cookieName}=${value}`)
    advance(1)
    const begun = await visitor.begin()
    say([begun.session.id, sessions])
    said.push(inspect(begun.session, { depth: 12 }))
    await old.visit(() => {}).catch(say)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', hear)
    const text = said.join('\n')
    expect(text.length).toBeGreaterThan(500)
    const secrets = tokens.flatMap((token) => [token, token.slice(-24), token.slice(32, 76)])
    for (const one of [...secrets, canary, secret]) expect(text.includes(one), one.slice(0, 8)).toBe(false)
    await close()
  })
})

it('O-02 the bytes of a cookie reach no event and no message, whatever they are', async () => {
  const { onEvent, events } = listener()
  const sessions = createSessions({ secret, store: memoryStore(), onEvent })
  for (const evil of ['\x1b[2Jevil', 'evil\r\nSet-Cookie: a=b', '\u009b31mevil', '<script>evil</script>', '${jndi:evil}', '\u202eevil']) {
    await request(sessions, `${cookieName}=${evil}; ${evil}=1`)
  }
  expect(events).toHaveLength(6)
  expect(JSON.stringify(events)).not.toContain('evil')
  await expect(sessions.visit({ method: 'GET', header: () => undefined }).session('\x1b[2J\r\nx')).rejects.toThrowError(
    /named "\\u001b\[2J\\u000d\\u000ax"/,
  )
  await sessions.close()
})

it('O-02 a key in a message is cut, and nothing in it acts upon a terminal', async () => {
  const sessions = createSessions({ secret, store: memoryStore() })
  const key = `\x1b[31m\u009b2J\r\n\u202e\u2028${'x'.repeat(500)}`
  const attempt = new Visitor(sessions).visit((session) => session.set(key, () => 1))
  const { message } = await attempt.then(
    () => new Error('stored'),
    (error: Error) => error,
  )
  expect(message).toContain('\\u001b[31m')
  expect(message).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  expect(message.length).toBeLessThan(250)
  await sessions.close()
})
