import { expect, it } from 'vitest'
import { memory } from '../support/backends.ts'
import { Visitor } from '../support/visitor.ts'

it('R-01 D-03 of requests written together only the one that asks too much fails', async () => {
  const { sessions, close } = memory.setup()
  const visitor = new Visitor(sessions)
  await visitor.visit((session) => session.set('n', 0))
  const begun = await Promise.all(Array.from({ length: 10 }, () => visitor.begin()))
  begun.forEach(({ session }, i) => {
    session.update('n', (n) => (n as number) + 1)
    if (i === 4) session.set('big', 'x'.repeat(70_000))
    if (i === 7) session.set('bad', JSON.parse('{"__proto__":1}'))
  })
  const ends = await Promise.all(
    begun.map(({ finish }) =>
      finish().then(
        ({ outcome }) => outcome,
        (error: { code: string }) => error.code,
      ),
    ),
  )
  expect(ends).toEqual([
    'stored',
    'stored',
    'stored',
    'stored',
    'session_too_large',
    'stored',
    'stored',
    'value_invalid',
    'stored',
    'stored',
  ])
  expect((await visitor.visit((session) => [session.get('n'), session.size])).result).toEqual([8, 1])
  await close()
})
