/** An old application that goes on beside ours, as small as can be: `old=<id>.good`, its sessions in a Map, the user among their values. */
import {
  createSessions,
  type MoveIn,
  type OldSession,
  type OldTicket,
  type SessionEvent,
  type Sessions,
  type SessionsOptions,
} from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { counted, secret } from './backends.ts'
import { Visitor } from './visitor.ts'

type Any = Record<string, unknown>
type Values = Readonly<Any>

export interface OldTwin {
  readonly reader: MoveIn
  readonly rows: Map<string, Values>
  /** What its store was asked: `load`, `write`, `end`, `renew`. */
  readonly calls: string[]
  /** Operations that fail, or wait for what a test gives; `loaded` is a load whose answer is under way. */
  readonly faults: Map<string, () => Promise<unknown>>
  renewalDue: boolean
}

export const down = (): Promise<unknown> => Promise.reject(new Error('connection refused'))

export interface OldTwinOptions {
  readonly sunsetAt?: number
  /** Whether what is written may bring a session back, as in a store without compare-and-swap. Default `false`. */
  readonly revives?: boolean
  readonly tellsUser?: boolean
}

export function oldTwin({ sunsetAt = 1_900_000_000_000, revives = false, tellsUser = true }: OldTwinOptions = {}): OldTwin {
  const ask = async (operation: string): Promise<void> => {
    twin.calls.push(operation)
    await twin.faults.get(operation)?.()
  }
  const load = async (id: string): Promise<OldSession | null> => {
    await ask('load')
    const found = twin.rows.get(id)
    await twin.faults.get('loaded')?.()
    if (found === undefined) return null
    const { user, ...values } = found
    const mapped = tellsUser ? { values, user: typeof user === 'string' ? user : null } : { values: found }
    return { ...mapped, expiresAt: null, ...(twin.renewalDue ? { renew: () => ask('renew') } : {}) }
  }
  const seen = ({ values, user = null }: Pick<OldSession, 'values' | 'user'>): Values => (user === null ? values : { ...values, user })
  const twin: OldTwin = {
    rows: new Map<string, Values>([
      ['a', { user: 'ada', n: 1, theirs: 'stays' }],
      ['anonymous', { n: 1 }],
    ]),
    calls: [],
    faults: new Map(),
    renewalDue: false,
    reader: {
      system: 'old',
      cookieName: 'old',
      sunsetAt,
      keepOld: true,
      cookiePath: '/',
      cookieDomain: null,
      verify(cookies) {
        const [id = '', proof] = cookies.all('old')[0]?.split('.') ?? []
        return proof === 'good' ? ({ identity: id, load: () => load(id) } satisfies OldTicket) : null
      },
      async walk() {
        return { tickets: [...twin.rows.keys()].map((id): OldTicket => ({ identity: id, load: () => load(id) })), cursor: null }
      },
      dualWrite: {
        tellsUser,
        load,
        async changes(before, after) {
          const [was, is] = [seen(before), seen(after)]
          const set = Object.entries(is).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(was[key]))
          const drop = Object.keys(was).filter((key) => !Object.hasOwn(is, key))
          return set.length + drop.length === 0 ? null : { set: Object.fromEntries(set), drop }
        },
        async write(id, { set, drop }, _nowMs, user) {
          const found = twin.rows.get(id)
          await ask('write')
          if (tellsUser && (twin.rows.get(id)?.['user'] ?? found?.['user'] ?? null) !== user) return false
          if (found === undefined || (!revives && !twin.rows.has(id))) return false
          const now = revives ? found : twin.rows.get(id)
          const kept = Object.entries(now ?? {}).filter(([key]) => !drop.includes(key))
          twin.rows.set(id, { ...Object.fromEntries(kept), ...set })
          return true
        },
        async end(id) {
          await ask('end')
          twin.rows.delete(id)
        },
      },
    },
  }
  return twin
}

type Options = Partial<SessionsOptions<Any>>

/** An application on ours beside it, on one store, with a clock that stands. */
export function beside(options: OldTwinOptions & { readonly ours?: Options; readonly old?: OldTwin } = {}) {
  let nowMs = 1_800_000_000_000
  const old = options.old ?? oldTwin(options)
  const events: SessionEvent[] = []
  const store = counted(memoryStore({ clock: () => nowMs }))
  const make = (more: Options = {}): Sessions<Any> =>
    createSessions<Any>({
      secret,
      store,
      clock: () => nowMs,
      moveIn: [old.reader],
      onEvent: (event) => events.push(event),
      ...options.ours,
      ...more,
    })
  const sessions = make()
  const visitor = (id = 'a', engine = sessions): Visitor => new Visitor(engine, new Map([['old', `${id}.good`]]))
  /** Who has been here, so that a ticket opens the session. */
  const arrived = async (id = 'a', engine = sessions): Promise<Visitor> => {
    const one = visitor(id, engine)
    await one.visit(() => {})
    return one
  }
  const whys = (): string[] => events.flatMap((event) => (event.type === 'rejected' ? [event.why] : []))
  return { old, sessions, make, store, events, whys, visitor, arrived, advance: (ms: number) => void (nowMs += ms) }
}

/** Who is signed in to a visitor’s session; `nobody` when there is none. */
export const seenBy = async (visitor: Visitor): Promise<unknown> =>
  (await visitor.visit(({ user, isNew }) => (isNew ? 'nobody' : user))).result

/** Keeps an operation of the old store waiting until what it answers is called. */
export function heldUp(old: OldTwin, operation: string): () => void {
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  old.faults.set(operation, () => held)
  return release
}
