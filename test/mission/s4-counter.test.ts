import { describe, expect, it } from 'vitest'
import { all, stored } from '../support/backends.ts'
import { Visitor } from '../support/visitor.ts'

const preset = { lifetime: { idle: '30m', absolute: '7d' } } as const

describe.each(all)('S4 on $name', (backend) => {
  it('S4.1 the counter of the write-up, request by request', async () => {
    const { sessions, close } = backend.setup(preset)
    const visitor = new Visitor(sessions)
    const said: string[] = []
    for (let request = 0; request < 5; request++) {
      await visitor.visit((session) => {
        if (session.isNew) {
          session.set('count', 0)
          said.push('new: 0')
          return
        }
        const count = session.update('count', (n) => (n as number) + 1) as number
        if (count === 3) session.destroy()
        said.push(count === 3 ? '3 and invalidated' : String(count))
      })
    }
    expect(said).toEqual(['new: 0', '1', '2', '3 and invalidated', 'new: 0'])
    await close()
  })

  it('S4.2 L-05/06 idle timeout of 30 min: 29:59 keeps it, the limit itself too, 30:01 does not', async () => {
    for (const [ms, lives] of [
      [29 * 60_000 + 59_000, true],
      [30 * 60_000, true],
      [30 * 60_000 + 1_000, false],
    ] as const) {
      const { sessions, advance, close } = backend.setup(preset)
      const visitor = new Visitor(sessions)
      await visitor.visit((session) => session.set('a', 1))
      advance(ms)
      expect((await visitor.visit((session) => !session.isNew)).result).toBe(lives)
      await close()
    }
  })

  it('S4.6 D-05 a new session nobody stored into sets no cookie and makes no row', async () => {
    const { sessions, store, close } = backend.setup(preset)
    const visitor = new Visitor(sessions)
    for (const handler of [
      (s: Parameters<Parameters<typeof visitor.visit>[0]>[0]) => void s.get('a'),
      (s: Parameters<Parameters<typeof visitor.visit>[0]>[0]) => void [s.id, s.size, ...s, s.has('a')],
      (s: Parameters<Parameters<typeof visitor.visit>[0]>[0]) => s.destroy(),
      (s: Parameters<Parameters<typeof visitor.visit>[0]>[0]) => s.clear(),
      (s: Parameters<Parameters<typeof visitor.visit>[0]>[0]) => void s.set('a', 1).delete('a'),
      (s: Parameters<Parameters<typeof visitor.visit>[0]>[0]) => s.rotate(),
    ]) {
      expect((await visitor.visit(handler)).outgoing).toMatchObject({ outcome: 'untouched', setCookies: [] })
    }
    expect(store?.calls ?? []).toEqual([])
    await close()
  })

  it('S4.7 saving after invalidate throws, reading finds nothing', async () => {
    const { sessions, close } = backend.setup(preset)
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('a', 1))
    await visitor.visit((session) => {
      session.destroy()
      for (const edit of [
        () => session.set('a', 2),
        () => session.delete('a'),
        () => session.clear(),
        () => session.update('a', () => 1),
        () => session.signIn('ada'),
        () => session.rotate(),
        () => session.flash('x'),
      ]) {
        expect(edit).toThrowError(expect.objectContaining({ code: 'session_ended' }))
      }
      expect([session.get('a'), session.has('a'), session.size, session.user]).toEqual([undefined, false, 0, null])
    })
    await close()
  })

  it('S4.8 isNew and id', async () => {
    const { sessions, close } = backend.setup(preset)
    const visitor = new Visitor(sessions)
    const { result: first } = await visitor.visit((session) => [session.isNew, session.set('a', 1).id])
    expect(first).toEqual([true, expect.stringMatching(/^[\w-]{24}$/)])
    expect((await visitor.visit((session) => [session.isNew, session.id])).result).toEqual([false, first[1]])
    await close()
  })
})

describe.each(stored)('S4 on $name', (backend) => {
  it('S4.4 R1 R-02 invalidate wins over a concurrent read, save, touch and rotation', async () => {
    const edits = [
      (): void => {},
      (s: { set(key: string, value: unknown): unknown }): void => void s.set('a', 2),
      (s: { update(key: string, fn: () => unknown): unknown }): void => void s.update('a', () => 2),
      (s: { rotate(): void }): void => s.rotate(),
      (s: { flash(message: string): void }): void => s.flash('x'),
    ] as const
    for (const edit of edits) {
      const { sessions, store, advance, close } = backend.setup(preset)
      const visitor = new Visitor(sessions)
      const { result: id } = await visitor.visit((session) => session.set('a', 1).id)
      advance(5 * 60_000)
      const slow = await visitor.clone().begin()
      const copy = visitor.clone()
      await visitor.visit((session) => session.destroy())
      edit(slow.session as never)
      const outgoing = await slow.finish()
      expect([outgoing.outcome, outgoing.setCookies]).toEqual(['gone', []])
      expect(await store?.get(id)).toBeNull()
      expect((await copy.visit((session) => session.isNew)).result).toBe(true)
      await close()
    }
  })

  it('S4.10 F-21 S0.6 a cookie naming some other store key never reaches the store', async () => {
    const { sessions, store, close } = backend.setup()
    for (const value of [
      '../x',
      '%2e%2e',
      'CON',
      'x'.repeat(300),
      '{"$gt":""}',
      'session-1',
      'a\0b',
      '\u00e9',
      `t1${'A'.repeat(98)}`,
      `t1${'-'.repeat(98)}`,
    ]) {
      const visit = sessions.visit({ method: 'GET', header: (name) => (name === 'cookie' ? `__Host-session=${value}` : undefined) })
      expect((await visit.session()).isNew).toBe(true)
    }
    expect(store?.calls).toEqual([])
    await close()
  })
})
