/** Whenever somebody has other rights than a moment ago, the cookie from before is worth nothing. */
import { describe, expect, it } from 'vitest'
import type { Session } from '../../src/index.ts'
import { spill, stored } from '../support/backends.ts'
import { tokenOf } from '../support/raw.ts'
import { Visitor } from '../support/visitor.ts'

type Any = Session<Record<string, unknown>>

/** The ways an application writes it; each begins with ann signed in, and says who is signed in afterwards, with what. */
const changes: Record<string, { readonly change: (session: Any) => void; readonly after: readonly [string, object] }> = {
  'the password again': { change: (session) => session.signIn('ann'), after: ['ann', { cart: ['hat'] }] },
  'more rights': {
    change(session) {
      session.signIn('ann')
      session.set('role', 'admin')
    },
    after: ['ann', { cart: ['hat'], role: 'admin' }],
  },
  'fewer rights': {
    change(session) {
      session.signIn('ann')
      session.delete('cart')
    },
    after: ['ann', {}],
  },
  'posing as somebody': {
    change(session) {
      const actor = session.user
      session.signIn('bob')
      session.set('actor', actor)
    },
    after: ['bob', { actor: 'ann' }],
  },
}

describe.each([...stored, spill])('on $name', (backend) => {
  it.each(Object.entries(changes))(
    'L-02 %s: a new secret, and the one before is dead at once, also for requests under way',
    async (_what, { change, after }) => {
      const { sessions, close } = backend.setup()
      const visitor = new Visitor(sessions)
      await visitor.visit((session) => session.set('cart', ['hat']).signIn('ann'))
      const [copy, before, underWay] = [visitor.clone(), tokenOf(visitor), await visitor.clone().begin()]
      await visitor.visit(change)
      expect(tokenOf(visitor)).not.toBe(before)
      expect((await visitor.visit((session) => [session.user, session.toJSON()])).result).toEqual(after)
      underWay.session.set('role', 'from before')
      expect(await underWay.finish()).toMatchObject({ outcome: 'gone', setCookies: [] })
      expect((await copy.visit((session) => [session.isNew, session.user])).result).toEqual([true, null])
      expect((await visitor.visit((session) => session.toJSON())).result).toEqual(after[1])
      await close()
    },
  )

  it('L-02 done posing: the cookie of the time as somebody else is dead, and nothing of theirs came along', async () => {
    const { sessions, close } = backend.setup()
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.signIn('ann'))
    await visitor.visit((session) => session.signIn('bob'))
    await visitor.visit((session) => session.set('actor', 'ann').set('letter', "bob's"))
    const copy = visitor.clone()
    await visitor.visit((session) => session.signIn(String(session.get('actor'))))
    expect((await visitor.visit((session) => [session.user, session.toJSON()])).result).toEqual(['ann', {}])
    expect((await copy.visit((session) => [session.isNew, session.user])).result).toEqual([true, null])
    await close()
  })
})
