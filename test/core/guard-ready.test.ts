import { expect, test } from 'vitest'
import { CoatcheckError, createSessions, type SessionEvent, type SessionStore } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { secret } from '../support/backends.ts'
import { Visitor } from '../support/visitor.ts'

function storeThat(ready: () => Promise<void>): SessionStore {
  return { ...memoryStore(), ready }
}

const unfit = new CoatcheckError('config_invalid', 'this server evicts sessions')

test('F-09 what is wrong with a server is an error for whoever awaits ready', async () => {
  const sessions = createSessions({ secret, store: storeThat(() => Promise.reject(unfit)) })
  await expect(sessions.ready()).rejects.toBe(unfit)
})

test('F-01 ready asks again after a failure, and once while it is asked', async () => {
  let asked = 0
  const sessions = createSessions({
    secret,
    store: storeThat(async () => {
      if (++asked === 1) throw new Error('connection refused')
    }),
  })
  await expect(sessions.ready()).rejects.toMatchObject({ code: 'store_unavailable' })
  await Promise.all([sessions.ready(), sessions.ready()])
  await sessions.ready()
  expect(asked).toBe(2)
})

test('F-09 the first call to a store has it looked at, and what is wrong is one event', async () => {
  const events: SessionEvent[] = []
  const store = storeThat(() => Promise.reject(unfit))
  const sessions = createSessions({ secret, store, onEvent: (event) => events.push(event) })
  const visitor = new Visitor(sessions)
  await visitor.visit((session) => session.set('a', 1))
  await visitor.visit((session) => session.set('a', 2))
  expect(events.filter(({ type }) => type === 'store_failed')).toMatchObject([{ operation: 'ready', error: unfit }])
})

test('a store without a check is ready', async () => {
  await createSessions({ secret, store: memoryStore() }).ready()
})
