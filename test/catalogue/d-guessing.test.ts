import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createRing } from '../../src/core/keys.ts'
import { createTickets, mintId, mintSecret } from '../../src/core/ticket.ts'
import { all, sealed, secret, spill, stored } from '../support/backends.ts'
import { cookieName, holder, listener, request, tokenOf } from '../support/raw.ts'
import { Visitor } from '../support/visitor.ts'

describe.each(all)('guessing on $name', (backend) => {
  it('D-07 a thousand guesses are a thousand events with a word each, and no lookup', async () => {
    const { onEvent, events } = listener()
    const { sessions, store, close } = backend.setup({ onEvent })
    const { token } = await holder(sessions)
    const { kid } = createRing(secret, `\n${cookieName}`).newest
    events.splice(0)
    store?.calls.splice(0)
    for (let i = 0; i < 1_000; i++) {
      const guess = [
        `t1${kid}${randomBytes(69).toString('base64url')}`,
        token.slice(0, 12) + randomBytes(66).toString('base64url'),
        `x${randomBytes(75).toString('base64url')}`,
      ]
      await request(sessions, `${cookieName}=${guess[i % 3]}`)
    }
    expect(events).toHaveLength(1_000)
    expect(new Set(events.map((event) => event.type === 'rejected' && event.why))).toEqual(new Set(['malformed', 'forged']))
    expect(store?.calls ?? []).toEqual([])
    await close()
  })

  it('C-16 a session is one cookie: pieces of it under numbered names are other cookies', async () => {
    const { sessions, close } = backend.setup()
    const { token } = await holder(sessions)
    const half = token.length / 2
    for (const names of [
      ['.0', '.1'],
      ['.1', '.2'],
      ['0', '1'],
      ['_0', '_1'],
      ['-chunk.0', '-chunk.1'],
    ]) {
      const pieces = names.map((name, i) => `${cookieName}${name}=${token.slice(i * half, (i + 1) * half)}`)
      expect((await request(sessions, pieces.join('; '))).opened).toBe(false)
    }
    await close()
  })
})

it.each(stored)(
  'D-07 a ticket signed for an id that was never issued costs one lookup, opens nothing and makes nothing, on $name',
  async (backend) => {
    const { sessions, store, close } = backend.setup()
    const ticket = createTickets(createRing(secret, `\n${cookieName}`)).write(mintId(randomBytes), mintSecret(randomBytes))
    expect((await request(sessions, `${cookieName}=${ticket}`)).opened).toBe(false)
    expect(store?.calls).toEqual(['get'])
    await close()
  },
)

it('T-14 D-04 nothing is compressed: a sealed cookie is as long as what is in it, whatever that is', async () => {
  for (const backend of [sealed, spill]) {
    const { sessions, close } = backend.setup()
    const lengths = new Set<number>()
    for (const text of ['a'.repeat(1_500), randomBytes(750).toString('hex'), 'secret=1234;'.repeat(125), ' '.repeat(1_500)]) {
      const visitor = new Visitor(sessions)
      await visitor.visit((session) => session.set('guess', text).set('pin', 'secret=1234;'))
      lengths.add(tokenOf(visitor).length)
    }
    expect(lengths.size).toBe(1)
    await close()
  }
})

it.each([...stored, spill])(
  'L-14 a sign-out that arrives behind the browser’s back ends sessions by subject, and by the provider’s own id, on $name',
  async (backend) => {
    const { sessions, close } = backend.setup()
    const devices = Array.from({ length: 3 }, () => new Visitor(sessions))
    for (const [i, device] of devices.entries()) await device.visit((session) => session.set('sid', `sid-${i}`).signIn('sub-1'))
    const live = async (): Promise<boolean[]> =>
      Promise.all(devices.map(async (device) => !(await device.visit((session) => session.isNew)).result))
    const named = (await sessions.list('sub-1')).find((info) => info.get('sid') === 'sid-1')
    expect(await sessions.revoke(named?.id ?? '')).toBe(true)
    expect(await live()).toEqual([true, false, true])
    expect(await sessions.revokeUser('sub-1')).toBe(2)
    expect(await live()).toEqual([false, false, false])
    await close()
  },
)
