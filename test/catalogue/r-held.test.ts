/** Requests of one session, and sign-ins of one user, take turns in a process: a turn that never ends must not end the others. */
import { expect, it } from 'vitest'
import { createSessions } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { secret } from '../support/backends.ts'
import { heldStore } from '../support/held-store.ts'
import { Visitor } from '../support/visitor.ts'

const unavailable = { code: 'store_unavailable' }

function setup(options: Partial<Parameters<typeof createSessions>[0]> = {}) {
  const store = heldStore(memoryStore())
  return { store, sessions: createSessions({ secret, store, storeDeadline: '100ms', ...options }) }
}

it('R-09 a write that never ends fails after the deadline; those that waited behind it go on, other sessions did not wait', async () => {
  const { store, sessions } = setup()
  const [visitor, other] = [new Visitor(sessions), new Visitor(sessions)]
  for (const one of [visitor, other]) await one.visit((session) => session.set('n', 0))
  const { reached } = store.hold('put', 'before')
  const stuck = visitor.clone().visit((session) => session.update('n', () => 100))
  stuck.catch(() => 'judged below')
  await reached
  const behind = [1, 2].map(() => visitor.clone().visit((session) => session.update('n', (n) => Number(n) + 1)))
  const order: string[] = []
  void Promise.all(behind).then(() => order.push('behind'))
  await other.visit((session) => session.set('n', 1)).then(() => order.push('other'))
  await expect(stuck).rejects.toMatchObject(unavailable)
  expect((await Promise.all(behind)).map(({ outgoing }) => outgoing.outcome)).toEqual(['stored', 'stored'])
  expect(order[0]).toBe('other')
  expect((await visitor.visit((session) => session.get('n'))).result).toBe(2)
  await sessions.close()
})

it('R-09 a sign-in that never ends keeps nobody else of the same name out', async () => {
  const { store, sessions } = setup({ maxPerUser: { max: 2, whenFull: 'end-oldest' } })
  const { reached } = store.hold('put', 'before')
  const stuck = new Visitor(sessions).visit((session) => session.signIn('ada'))
  stuck.catch(() => 'judged below')
  await reached
  const next = await new Visitor(sessions).visit((session) => session.signIn('ada'))
  expect(next.outgoing.outcome).toBe('stored')
  await expect(stuck).rejects.toMatchObject(unavailable)
  expect(await sessions.list('ada')).toHaveLength(1)
  await sessions.close()
})
