/** The scenes behind test/fixtures/tokens.json: fixed secret, clock and random source, so that they always come out the same. */
import { createHash } from 'node:crypto'
import { createSessions, type Random, type Row, type Session, type Sessions, type SessionsOptions } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { oldTwin } from './beside.ts'
import { Visitor } from './visitor.ts'

type Any = Record<string, unknown>

export const golden = {
  secret: 'coatcheck golden secret, in public: 0123456789',
  app: 'shop',
  cookie: '__Host-session',
  nowMs: 1_800_000_000_000,
  random: 'call n, counted from 0 in each scene, gives the first bytes of SHA-512 of the text "coatcheck n"',
} as const

/** The random source that `golden.random` describes. */
export function goldenRandom(): Random {
  let n = 0
  return (size) => createHash('sha512').update(`coatcheck ${n++}`).digest().subarray(0, size)
}

export const everyKind: Any = {
  text: 'Ada "the first" \u2028 é 🍪 \ud800',
  number: -12.5,
  yes: true,
  nothing: null,
  missing: undefined,
  list: [1, 'two', [3]],
  object: { a: { b: [] }, 'with space': 1 },
  dollar: { $date: 'not a date', plain: 1 },
  when: new Date(1_700_000_000_000),
  never: new Date(Number.NaN),
  huge: -(2n ** 80n),
  odd: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0],
  map: new Map<unknown, unknown>([
    ['a', new Set([1, 2])],
    [2, null],
  ]),
  bytes: new Uint8Array([0, 1, 127, 128, 255]),
  '': 'an empty key',
}

export interface Scene {
  readonly name: string
  readonly carrier: 'stored' | 'sealed' | 'spill'
  readonly token: string
  readonly row: Row | null
}

type Step = (session: Session<Any>) => void

const scenes: readonly {
  readonly name: string
  readonly carrier: Scene['carrier']
  readonly steps: readonly Step[]
  readonly schemaVersion?: number
  /** The cookies its visitor comes with. */
  readonly jar?: ReadonlyMap<string, string>
}[] = [
  { name: 'one text', carrier: 'stored', steps: [(session) => session.set('name', 'Ada')] },
  { name: 'every kind of value', carrier: 'stored', steps: [fill] },
  { name: 'signed in', carrier: 'stored', steps: [(session) => session.set('cart', [1]).signIn('ada')] },
  {
    name: 'rotated, with a flash, a short value and a schema',
    carrier: 'stored',
    schemaVersion: 3,
    steps: [
      (session) => session.set('a', 1).signIn('ada'),
      (session) => {
        session.flash('welcome', 'success')
        session.set('code', '123456', { ttl: '10m' }).rotate({ grace: '30s' })
      },
    ],
  },
  { name: 'sealed, one text', carrier: 'sealed', steps: [(session) => session.set('name', 'Ada')] },
  { name: 'sealed, every kind of value', carrier: 'sealed', steps: [fill] },
  { name: 'sealed and signed in', carrier: 'sealed', steps: [(session) => session.set('a', 1).signIn('ada')] },
  { name: 'spill, while it is small', carrier: 'spill', steps: [(session) => session.set('a', 1)] },
  { name: 'spill, signed in', carrier: 'spill', steps: [(session) => session.set('a', 1), (session) => session.signIn('ada')] },
  {
    name: 'moved in, and kept in step with the old session',
    carrier: 'stored',
    jar: new Map([['old', 'anonymous.good']]),
    steps: [(session) => session.set('name', 'Ada')],
  },
]

function fill(session: Session<Any>): void {
  for (const [key, value] of Object.entries(everyKind)) session.set(key, value)
}

/** An application as it was when the scenes were made; `rows` are in its store already. */
export async function goldenSessions(
  carrier: Scene['carrier'],
  rows: readonly Row[] = [],
  schemaVersion = 0,
): Promise<{ sessions: Sessions<Any>; store: ReturnType<typeof memoryStore> }> {
  const store = memoryStore()
  for (const row of rows) await store.put(row, null)
  const { secret, app, nowMs } = golden
  const random = goldenRandom()
  const moving = carrier === 'stored' ? { moveIn: [oldTwin().reader] } : {}
  const options: SessionsOptions = { secret, app, clock: () => nowMs, random, schemaVersion, ...moving }
  const kept = { ...store, guarantees: { ...store.guarantees, mayEvict: false } }
  return {
    sessions: createSessions(carrier === 'sealed' ? { ...options, carrier, irrevocable: true } : { ...options, carrier, store: kept }),
    store,
  }
}

/** Plays every scene; answers what the client and the store hold at its end. */
export async function playScenes(): Promise<Scene[]> {
  const played: Scene[] = []
  for (const { name, carrier, steps, schemaVersion = 0, jar } of scenes) {
    const { sessions, store } = await goldenSessions(carrier, [], schemaVersion)
    const visitor = new Visitor(sessions, jar)
    let id = ''
    for (const step of steps) {
      id = (
        await visitor.visit((session) => {
          step(session)
          return session.id
        })
      ).result
    }
    const row = await store.get(id)
    played.push({
      name,
      carrier,
      token: visitor.jar.get(golden.cookie) ?? '',
      row: row === null ? null : { id: row.id, body: row.body, user: row.user, expiresAt: row.expiresAt },
    })
    await sessions.close()
  }
  return played
}
