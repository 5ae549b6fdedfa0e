/** Very many at once: writers of one session (D-09), and users of one process. */
import { expect, it } from 'vitest'
import { engines } from '../support/engines.ts'
import { Visitor } from '../support/visitor.ts'

it('D-09 five hundred writers of one session: three puts, and who waits for another session is not kept', async () => {
  const { one, store } = engines()
  const first = new Visitor(one)
  await first.visit((session) => session.set('n', 0))
  const others = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const visitor = new Visitor(one)
      await visitor.visit((session) => session.set('a', 1))
      return visitor
    }),
  )
  const begun = await Promise.all(Array.from({ length: 500 }, () => first.clone().begin()))
  store.calls.length = 0
  const put = store.hold('put', 'before')
  for (const { session } of begun) session.update('n', (n) => (n as number) + 1)
  const crowdEnds = Promise.all(begun.map(({ finish }) => finish()))
  await put.reached
  await Promise.all(others.map((visitor) => visitor.visit((session) => session.set('a', 2))))
  put.release()
  expect((await crowdEnds).every(({ outcome }) => outcome === 'stored')).toBe(true)
  expect(store.calls.filter((call) => call === 'put').length - others.length).toBeLessThanOrEqual(3)
  expect((await first.visit((session) => session.get('n'))).result).toBe(500)
})

it('R-08 ten thousand users at once, each with his own canary: nobody sees another’s', async () => {
  const { one, two } = engines()
  const users = Array.from({ length: 10_000 }, (_, i) => new Visitor(i % 2 === 0 ? one : two))
  const canary = (i: number): string => `canary-${i}`
  const created = users.map((user, i) =>
    user.visit((session) => (session.signIn(canary(i)), session.set('canary', canary(i)).flash(canary(i)))),
  )
  await Promise.all(created)
  const leaks: number[] = []
  const read = users.map((user, i) =>
    user.visit(async (session) => {
      await (i % 3 === 0 ? new Promise((resolve) => setImmediate(resolve)) : null)
      const said = [session.user, session.get('canary'), ...(await session.flashes()).map(({ message }) => message)]
      if (said.length !== 3 || said.some((word) => word !== canary(i))) leaks.push(i)
      session.update('n', (n) => ((n as number | undefined) ?? 0) + 1)
    }),
  )
  await Promise.all(read)
  expect(leaks).toEqual([])
  expect(new Set(users.map(({ cookie }) => cookie)).size).toBe(users.length)
})
