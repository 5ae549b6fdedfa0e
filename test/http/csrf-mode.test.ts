import { describe, expect, it } from 'vitest'
import { stored, sealed } from '../support/backends.ts'
import { Visitor } from '../support/visitor.ts'

const options = { csrf: { token: true } } as const

describe.each([...stored, sealed])('token mode on $name', (backend) => {
  it('X-05 unsafe requests of a session need its token, in a header or handed over by the handler; safe ones do not', async () => {
    const { sessions, close } = backend.setup(options)
    const visitor = new Visitor(sessions)
    expect((await visitor.visit((session) => [session.csrfToken, session.set('a', 1).size])).result).toEqual([null, 1])
    const { result: token } = await visitor.visit((session) => session.csrfToken)
    if (token === null) throw new Error('a stored session has a token')
    await expect(visitor.begin({ method: 'POST' })).rejects.toMatchObject({ code: 'csrf_refused', status: 403 })
    await expect(visitor.begin({ method: 'POST', headers: { 'x-csrf-token': token.slice(1) } })).rejects.toMatchObject({
      code: 'csrf_refused',
    })
    await visitor.visit((session) => session.set('a', 2), { method: 'POST', headers: { 'x-csrf-token': token } })
    const visit = sessions.visit({ method: 'POST', header: (name) => (name === 'cookie' ? visitor.cookie : undefined) })
    await expect(visit.session()).rejects.toMatchObject({ code: 'csrf_refused' })
    expect((await visit.session({ csrfToken: token })).get('a')).toBe(2)
    await close()
  })

  it('X-05 a token of another session, or from before sign-out, is refused', async () => {
    const { sessions, close } = backend.setup(options)
    const [one, two] = [new Visitor(sessions), new Visitor(sessions)]
    await one.visit((session) => session.set('a', 1))
    await two.visit((session) => session.set('a', 1))
    const { result: token } = await one.visit((session) => session.csrfToken)
    const headers = { 'x-csrf-token': token ?? '' }
    await expect(two.begin({ method: 'POST', headers })).rejects.toMatchObject({ code: 'csrf_refused' })
    await one.visit((session) => session.destroy(), { method: 'POST', headers })
    await one.visit((session) => session.set('a', 1), { method: 'POST', headers })
    await expect(one.begin({ method: 'POST', headers })).rejects.toMatchObject({ code: 'csrf_refused' })
    await close()
  })
})

describe.each(stored)('token mode on $name', (backend) => {
  it('X-05 L-01 sign-in ends the token of before; a rotation keeps it for the pages that are open', async () => {
    const { sessions, close } = backend.setup(options)
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('a', 1))
    const tokenNow = async (): Promise<Record<string, string>> => ({
      'x-csrf-token': (await visitor.visit((s) => s.csrfToken)).result ?? '',
    })
    const first = await tokenNow()
    await visitor.visit((session) => session.signIn('ada'), { method: 'POST', headers: first })
    await expect(visitor.begin({ method: 'POST', headers: first })).rejects.toMatchObject({ code: 'csrf_refused' })
    const second = await tokenNow()
    await visitor.visit((session) => session.rotate(), { method: 'POST', headers: second })
    await visitor.visit((session) => session.set('a', 2), { method: 'POST', headers: second })
    await visitor.visit((session) => session.rotate(), { method: 'POST', headers: second })
    await expect(visitor.begin({ method: 'POST', headers: second })).rejects.toMatchObject({ code: 'csrf_refused' })
    await close()
  })
})
