import { describe, expect, it } from 'vitest'
import { all, stored } from '../support/backends.ts'
import { Visitor } from '../support/visitor.ts'

const preset = { lifetime: { idle: '24h', absolute: '7d' } } as const

describe.each(all)('S1 on $name', (backend) => {
  it('S1.1 the first write, not the first visit, sets exactly one cookie', async () => {
    const { sessions, close } = backend.setup(preset)
    const visitor = new Visitor(sessions)
    expect((await visitor.visit((session) => session.get('a'))).outgoing).toMatchObject({ outcome: 'untouched', setCookies: [] })
    const { outgoing } = await visitor.visit((session) => session.set('a', 1).set('b', 2))
    expect(outgoing.outcome).toBe('stored')
    expect(outgoing.setCookies).toHaveLength(1)
    expect((await visitor.visit((session) => session.get('b'))).result).toBe(2)
    await close()
  })

  it('S1.5 all variables end together 24 h after the last activity, and one may end sooner', async () => {
    const { sessions, advance, close } = backend.setup(preset)
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('long', 1).set('short', 2, { ttl: '10m' }))
    advance(10 * 60_000)
    expect((await visitor.visit((session) => session.get('short'))).result).toBe(2)
    advance(1)
    expect((await visitor.visit((session) => [session.get('short'), session.has('short'), session.size])).result).toEqual([
      undefined,
      false,
      1,
    ])
    advance(24 * 3_600_000 - 1)
    expect((await visitor.visit((session) => session.get('long'))).result).toBe(1)
    advance(24 * 3_600_000 + 1)
    expect((await visitor.visit((session) => [session.get('long'), session.isNew])).result).toEqual([undefined, true])
    await close()
  })

  it('S1.5 L-05/06 activity does not outlive the absolute limit', async () => {
    const { sessions, advance, close } = backend.setup({ lifetime: { idle: '1h', absolute: '2h' } })
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('a', 1))
    for (let i = 0; i < 4; i++) {
      advance(30 * 60_000)
      expect((await visitor.visit((session) => session.get('a'))).result).toBe(1)
    }
    advance(1)
    expect((await visitor.visit((session) => session.get('a'))).result).toBeUndefined()
    await close()
  })

  it('S1.6 null is not missing', async () => {
    const { sessions, close } = backend.setup()
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('nothing', null))
    expect((await visitor.visit((session) => [session.get('nothing'), session.has('nothing'), session.has('other')])).result).toEqual([
      null,
      true,
      false,
    ])
    await close()
  })

  it('S1.7 P-03 L-16 names with dashes, unicode, 300 characters, or like our own stay inside their session', async () => {
    const { sessions, close } = backend.setup()
    const [one, two] = [new Visitor(sessions), new Visitor(sessions)]
    const names = [
      'a-b',
      'ключ',
      'k'.repeat(300),
      '',
      '7',
      'id',
      'cookie',
      'destroy',
      'then',
      'toJSON',
      'constructor',
      '__proto__',
      'line\nbreak',
    ]
    await one.visit((session) => names.forEach((name, i) => session.set(name, i)))
    await two.visit((session) => session.set('a-b', 'mine'))
    const { result } = await one.visit((session) => names.map((name) => session.get(name)))
    expect(result).toEqual(names.map((_, i) => i))
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
    await close()
  })

  it('S1.8 S3.6 destroy removes everything and expires the cookie with the same attributes', async () => {
    const { sessions, store, close } = backend.setup({ cookie: { path: '/shop', domain: 'example.test' } })
    const visitor = new Visitor(sessions)
    const set = (await visitor.visit((session) => session.set('a', 1))).outgoing.setCookies[0] ?? ''
    const { outgoing } = await visitor.visit((session) => session.destroy())
    expect(outgoing.outcome).toBe('erased')
    const cleared = outgoing.setCookies[0] ?? ''
    expect(cleared).toMatch(/^[^=]+=; .*Max-Age=0/)
    for (const attribute of set.split('; ').slice(1)) expect(cleared).toContain(attribute)
    expect(visitor.jar.size).toBe(0)
    if (store !== null && backend.carrier === 'stored') expect(store.calls).toContain('delete')
    await close()
  })
})

describe.each(stored)('S1 on $name', (backend) => {
  it('S1.2 L-08 an id the client made up never becomes a live one', async () => {
    const { sessions, close } = backend.setup()
    const genuine = new Visitor(sessions)
    await genuine.visit((session) => session.set('a', 1))
    const [name, token] = [...genuine.jar][0] as [string, string]
    const invented = new Visitor(sessions, new Map([[name, token.slice(0, 8) + 'A'.repeat(24) + token.slice(32)]]))
    const { result } = await invented.visit((session) => {
      session.set('a', 2)
      return session.id
    })
    expect(result).not.toBe('A'.repeat(24))
    expect(invented.jar.get(name)).not.toContain('A'.repeat(24))
    await close()
  })

  it('S1.3 R-01 parallel sets of different keys are all kept, and increments all count', async () => {
    const { sessions, close } = backend.setup()
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('n', 0))
    const begun = await Promise.all(Array.from({ length: 50 }, () => visitor.begin()))
    begun.forEach(({ session }, i) => {
      session.set(`k${i}`, i)
      session.update('n', (n) => (n as number) + 1)
    })
    const outcomes = await Promise.all(begun.map(({ finish }) => finish()))
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['stored']))
    const { result } = await visitor.visit((session) => [session.get('n'), session.size])
    expect(result).toEqual([50, 51])
    await close()
  })

  it('S1.4 S2.2 reading costs one call however many variables, ten writes one more, an untouched request none', async () => {
    const { sessions, store, close } = backend.setup()
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => Array.from({ length: 10 }, (_, i) => session.set(`k${i}`, i)))
    expect(store?.calls).toEqual(['put'])
    store?.calls.splice(0)
    await visitor.visit((session) => [...session])
    expect(store?.calls).toEqual(['get'])
    store?.calls.splice(0)
    await visitor.visit((session) => Array.from({ length: 10 }, (_, i) => session.set(`k${i}`, -i)))
    expect(store?.calls).toEqual(['get', 'put'])
    store?.calls.splice(0)
    await sessions.visit({ method: 'GET', header: () => visitor.cookie }).commit()
    expect(store?.calls).toEqual([])
    await close()
  })

  it('S1.9 F-03 a failed write reaches the caller, and no cookie is set', async () => {
    const { sessions, store, close } = backend.setup()
    if (store === null) throw new Error('this backend has a store')
    const visitor = new Visitor(sessions)
    const { put } = store
    store.put = () => Promise.reject(new Error('disk full'))
    await expect(visitor.visit((session) => session.set('a', 1))).rejects.toMatchObject({ code: 'store_unavailable', status: 503 })
    expect(visitor.jar.size).toBe(0)
    store.put = put
    expect((await visitor.visit((session) => session.set('a', 1))).outgoing.outcome).toBe('stored')
    await close()
  })
})
