import { describe, expect, it } from 'vitest'
import type { Rejection, Sessions, SessionsOptions } from '../../src/index.ts'
import { all, memory, spill, type Setup } from '../support/backends.ts'
import { oldTwin } from '../support/beside.ts'
import { cookieName, holder, listener, request } from '../support/raw.ts'
import { oldSystem } from '../support/old-system.ts'
import { Visitor } from '../support/visitor.ts'

type Options = Partial<SessionsOptions<Record<string, unknown>>>
type Scene = Setup & {
  readonly visitor: Visitor
  readonly token: string
  readonly id: string
  readonly sessions: Sessions<Record<string, unknown>>
}

interface Reached {
  readonly why: Rejection
  readonly options?: Options
  readonly carrier?: 'spill'
  /** Does what is rejected; answers the events that must come, beside or instead of one with the scene's id. */
  readonly act: (scene: Scene) => Promise<unknown>
  readonly expected?: (scene: Scene) => unknown[]
}

const minuteMs = 60_000
const twin = oldTwin()
const flip = (char: string | undefined): string => (char === 'A' ? 'B' : 'A')
const send = (scene: Scene, ...tokens: string[]): Promise<unknown> =>
  request(scene.sessions, tokens.map((token) => `${cookieName}=${token}`).join('; '))
const rejected = (why: Rejection, id: string | null): object => ({ type: 'rejected', name: 'session', why, id })

const reached: readonly Reached[] = [
  { why: 'malformed', act: (scene) => send(scene, 'junk'), expected: () => [rejected('malformed', null)] },
  {
    why: 'unknown_key',
    act: async (scene) =>
      send(scene, (await holder(scene.again({ secret: 'yet another secret of 32 bytes: 0123456789', onEvent: () => {} }))).token),
    expected: () => [rejected('unknown_key', null)],
  },
  {
    why: 'forged',
    act: (scene) => send(scene, scene.token.slice(0, -1) + flip(scene.token.at(-1))),
    expected: () => [rejected('forged', null)],
  },
  {
    why: 'ambiguous',
    act: async (scene) => send(scene, scene.token, (await holder(scene.again({ onEvent: () => {} }))).token),
    expected: () => [rejected('ambiguous', null)],
  },
  { why: 'absent', act: async (scene) => (await scene.store?.delete(scene.id), scene.visitor.visit(() => {})) },
  {
    why: 'replaced',
    act: async (scene) => {
      const old = scene.visitor.clone()
      await new Visitor(scene.again({ onEvent: () => {} }), scene.visitor.jar).visit((session) => session.signIn('ada'))
      await old.visit(() => {})
    },
  },
  {
    why: 'reused',
    act: async (scene) => {
      const old = scene.visitor.clone()
      const quiet = new Visitor(scene.again({ onEvent: () => {} }), scene.visitor.jar)
      await quiet.visit((session) => session.rotate({ grace: 0 }))
      await quiet.visit(() => {})
      scene.advance(1)
      await old.visit(() => {})
    },
  },
  {
    why: 'idle',
    act: async (scene) => (scene.advance(30 * minuteMs + 1), scene.visitor.visit(() => {})),
    expected: ({ id }) => [rejected('idle', id), rejected('absent', id)],
  },
  {
    why: 'absolute',
    options: { lifetime: { idle: '1h', absolute: '1h' } },
    act: async (scene) => (scene.advance(60 * minuteMs + 1), scene.visitor.visit(() => {})),
    expected: ({ id }) => [rejected('absolute', id), rejected('absent', id)],
  },
  {
    why: 'clock',
    act: async (scene) => (scene.advance(-5 * minuteMs - 1), scene.visitor.visit(() => {})),
    expected: ({ id }) => [rejected('clock', id), rejected('absent', id)],
  },
  {
    why: 'unreadable',
    act: async ({ store, id, visitor }) => {
      const row = await store?.get(id)
      if (row) await store?.put({ ...row, body: 'junk' }, row.version)
      await visitor.visit(() => {})
    },
    expected: ({ id }) => [rejected('unreadable', id), rejected('absent', id)],
  },
  {
    why: 'outdated',
    carrier: 'spill',
    act: async (scene) => {
      const old = scene.visitor.clone()
      await new Visitor(scene.again({ onEvent: () => {} }), scene.visitor.jar).visit((session) => session.signIn('ada'))
      await old.visit(() => {})
    },
  },
  {
    why: 'csrf',
    act: (scene) =>
      scene.visitor
        .visit(() => {}, { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } })
        .catch((error: { code: string }) => expect(error.code).toBe('csrf_refused')),
    expected: () => [rejected('csrf', null)],
  },
  {
    why: 'foreign',
    options: { moveIn: [oldSystem().reader] },
    act: ({ sessions }) => new Visitor(sessions, new Map([['old', 'a.bad']])).visit(() => {}),
    expected: () => [rejected('foreign', null)],
  },
  {
    why: 'moved',
    options: { moveIn: [oldSystem().reader] },
    async act({ sessions }) {
      const old = new Map([['old', 'a.good']])
      const visitor = new Visitor(sessions, old)
      await visitor.visit(() => {})
      await visitor.visit(() => {})
      await new Visitor(sessions, old).visit(() => {})
    },
    expected: () => [
      { type: 'moved_in', name: 'session', id: expect.any(String) as string, user: null, system: 'old' },
      rejected('moved', expect.any(String) as string),
    ],
  },
  {
    why: 'signed_out',
    options: { moveIn: [twin.reader] },
    async act({ sessions }) {
      const visitor = new Visitor(sessions, new Map([['old', 'a.good']]))
      await visitor.visit(() => {})
      twin.rows.delete('a')
      visitor.jar.delete('old')
      await visitor.visit(() => {})
    },
    expected: () => [
      { type: 'moved_in', name: 'session', id: expect.any(String) as string, user: 'ada', system: 'old' },
      rejected('signed_out', expect.any(String) as string),
    ],
  },
]

describe('every word of rejection', () => {
  it.each(reached.map((one) => [one.why, one] as const))(
    'O-03 %s comes as documented, exactly',
    async (why, { options, carrier, act, expected }) => {
      const { onEvent, events } = listener()
      const setup = (carrier === 'spill' ? spill : memory).setup({ lifetime: { idle: '30m', absolute: '8h' }, ...options, onEvent })
      const scene: Scene = { ...setup, ...(await holder(setup.sessions)) }
      events.splice(0)
      await act(scene)
      expect(events).toEqual(expected?.(scene) ?? [rejected(why, scene.id)])
      await setup.close()
    },
  )

  it('O-03 is in the table above: the type has no other', () => {
    const words: Record<Rejection, true> = {
      malformed: true,
      unknown_key: true,
      forged: true,
      ambiguous: true,
      absent: true,
      replaced: true,
      reused: true,
      idle: true,
      absolute: true,
      clock: true,
      unreadable: true,
      outdated: true,
      csrf: true,
      foreign: true,
      moved: true,
      signed_out: true,
    }
    expect(Object.keys(words).toSorted()).toEqual(reached.map(({ why }) => why).toSorted())
  })
})

it.each(all)('O-03 the events of a whole life, with public ids and nothing else, on $name', async (backend) => {
  const { onEvent, events } = listener()
  const { sessions, close } = backend.setup({ onEvent })
  const visitor = new Visitor(sessions)
  const { result: id } = await visitor.visit((session) => session.set('a', 1).id)
  const tab = await visitor.clone().begin()
  await visitor.visit((session) => session.signIn('ada'))
  await visitor.visit((session) => session.rotate())
  tab.session.set('a', 'late')
  await tab.finish()
  await visitor.visit((session) => session.destroy())
  const said = events.map(({ type, ...rest }) => [type, rest])
  const own = { name: 'session', id }
  const stored = backend.carrier !== 'sealed'
  expect(said).toEqual([
    ['created', { ...own, user: null }],
    ['signed_in', { ...own, user: 'ada' }],
    ...(stored
      ? [
          ['rotated', { ...own, user: 'ada' }],
          ['gone', own],
        ]
      : []),
    ['destroyed', { ...own, user: 'ada' }],
  ])
  await close()
})
