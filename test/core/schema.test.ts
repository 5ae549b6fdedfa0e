import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createSessions, type StandardSchemaV1 } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { all, secret } from '../support/backends.ts'
import { holder } from '../support/raw.ts'
import { Visitor } from '../support/visitor.ts'

const cart = z.object({ items: z.array(z.string()).optional(), count: z.number().int().max(9).optional() })

describe.each(all)('a schema on $name', (backend) => {
  it('is checked before anything is stored or any header is sent', async () => {
    const { sessions, store, close } = backend.setup({ schema: cart as unknown as StandardSchemaV1<unknown, Record<string, unknown>> })
    const visitor = new Visitor(sessions)
    expect((await visitor.visit((session) => session.set('items', ['hat']).set('count', 1))).outgoing.outcome).toBe('stored')
    const before = visitor.cookie
    for (const [key, value] of [
      ['items', [1]],
      ['count', 'one'],
      ['count', 10],
      ['count', 1.5],
    ] as const) {
      const writes = store?.calls.filter((call) => call === 'put').length
      await expect(visitor.visit((session) => session.set(key, value))).rejects.toMatchObject({ code: 'schema_invalid', status: 422 })
      await expect(visitor.visit((session) => void session.update(key, () => value))).rejects.toMatchObject({ code: 'schema_invalid' })
      expect(store?.calls.filter((call) => call === 'put').length).toBe(writes)
    }
    await expect(visitor.visit((session) => void (session.get('items') as unknown[]).push(1))).rejects.toMatchObject({
      code: 'schema_invalid',
    })
    expect((await visitor.visit((session) => session.toJSON())).result).toEqual({ items: ['hat'], count: 1 })
    expect(visitor.cookie).toBe(before)
    await expect(new Visitor(sessions).visit((session) => session.set('count', 'new'))).rejects.toMatchObject({ code: 'schema_invalid' })
    await close()
  })

  it('brings old values up to date once they are opened, also for a reader', async () => {
    const { sessions, again, close } = backend.setup()
    const { visitor } = await holder(sessions, '7')
    const migrated = again({
      schema: z.object({ number: z.number() }) as unknown as StandardSchemaV1<unknown, Record<string, unknown>>,
      schemaVersion: 1,
      migrate: (values, from) => (from === 0 ? { number: Number(values['mine']) } : values),
    })
    expect((await migrated.peek(visitor.cookie))?.toJSON()).toEqual({ number: 7 })
    const upgraded = new Visitor(migrated, visitor.jar)
    await upgraded.visit((session) => session.update('number', (n) => (n as number) + 1))
    expect((await upgraded.visit((session) => session.toJSON())).result).toEqual({ number: 8 })
    await close()
  })

  it('that a migration does not satisfy refuses the session, and the newest version is never taken for an older one', async () => {
    const { sessions, again, close } = backend.setup()
    const { visitor } = await holder(sessions, 'text')
    const strict = {
      schema: z.object({ mine: z.number() }) as unknown as StandardSchemaV1<unknown, Record<string, unknown>>,
      schemaVersion: 1,
    }
    await expect(new Visitor(again(strict), visitor.jar).visit((session) => session.size)).rejects.toMatchObject({ code: 'schema_invalid' })
    const newer = new Visitor(again({ schemaVersion: 5 }), visitor.jar)
    await newer.visit((session) => session.set('mine', 'new'))
    await expect(new Visitor(again({ schemaVersion: 4 }), newer.jar).visit((session) => session.size)).rejects.toMatchObject({
      code: 'schema_invalid',
    })
    expect((await newer.visit((session) => session.get('mine'))).result).toBe('new')
    await close()
  })
})

it('types the session', async () => {
  const sessions = createSessions({ secret, store: memoryStore(), schema: cart })
  const session = await sessions.peek('')
  const items: string[] | undefined = session?.get('items')
  expect(items).toBeUndefined()
  await sessions.close()
})

it('may be asynchronous', async () => {
  const schema = z.object({ a: z.string().refine(async (text) => text !== 'taken') }) as unknown as StandardSchemaV1<
    unknown,
    Record<string, unknown>
  >
  const sessions = createSessions({ secret, store: memoryStore(), schema })
  await expect(new Visitor(sessions).visit((session) => session.set('a', 'taken'))).rejects.toMatchObject({ code: 'schema_invalid' })
  expect((await new Visitor(sessions).visit((session) => session.set('a', 'free'))).outgoing.outcome).toBe('stored')
  await sessions.close()
})

it('O-02 says which key is wrong in words that are harmless in a terminal', async () => {
  const schema: StandardSchemaV1<unknown, Record<string, unknown>> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => ({
        issues: Object.keys(value as object).map((key) => ({
          message: `no \x1b[2J\u009b2J\r\n${'long '.repeat(200)}`,
          path: [key, { key: 0 }],
        })),
      }),
    },
  }
  const sessions = createSessions({ secret, store: memoryStore(), schema })
  const error = await new Visitor(sessions)
    .visit((session) => session.set('evil\x1b[31m\u009b31m\r\nSet-Cookie: x', 1))
    .catch((one: Error) => one)
  const { message } = error as Error
  expect(message).toMatch(/^\[coatcheck\] the session does not satisfy its schema \(evil/)
  expect(message).not.toMatch(/\p{Cc}/u)
  expect(message.length).toBeLessThan(400)
  await sessions.close()
})
