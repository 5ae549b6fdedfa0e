/** Keeping sessions of express-session and @fastify/session in step: their values, and how long they live. */
import type { OldChanges } from '../../http/move-in.ts'
import { changed, type IsTheirs } from '../common/dual-write.ts'
import { jsonValues, membersOf } from '../common/json-values.ts'
import type { System } from '../common/reader.ts'
import type { OldSessions } from './stores.ts'
import type { LoadStored } from './walk.ts'
import type { WholeSession } from './writers.ts'

/** What distinguishes the two. */
export interface Kind {
  /** Members that are no values; `cookie` is one. */
  readonly own: readonly string[]
  /** Whether `cookie.expires` ends a session; otherwise its store does. */
  isOver?(expires: unknown, nowMs: number): boolean
}

const attemptsMax = 64
const nothing: OldChanges = { set: {}, drop: [] }

/** What `dualWrite` needs of a system; nothing where its store cannot be written. */
export function changeableOf(old: OldSessions, kind: Kind, load: LoadStored): Pick<System, 'changeable'> {
  if (old.writer === undefined) return {}
  return { changeable: { load, write: (...change) => write(old, kind, ...change), end: (id) => old.end(id) } }
}

/** Writes changes; `false`: the session is over, or another's. Moves its end, as each visit that changes something does. */
async function write(
  { writer }: OldSessions,
  kind: Kind,
  id: string,
  changes: OldChanges,
  nowMs: number,
  isTheirs?: IsTheirs,
): Promise<boolean> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const current = (await writer?.open(id, nowMs)) ?? null
    const session = current === null ? null : wholeIn(current.content)
    if (current === null || session === null || kind.isOver?.(cookieOf(session)['expires'], nowMs) === true) return false
    if ((await isTheirs?.(membersOf(session, kind.own) ?? {})) === false) return false
    if (await current.swap(lengthened(changed(session, changes, kind.own), nowMs))) return true
  }
  throw new Error(`the old application won every one of ${attemptsMax} attempts to change a session`)
}

/** Moves the end of a session as a visit to the old application would; `undefined`: it is not due yet. */
export function renewal(old: OldSessions, kind: Kind, id: string, content: unknown, nowMs: number): (() => Promise<void>) | undefined {
  const { writer } = old
  const session = wholeIn(content)
  if (writer === undefined || session === null) return undefined
  const { originalMaxAge: lifeMs, expires } = cookieOf(session)
  const touch = (): Promise<void> => writer.touch(id, lengthened(session, nowMs), nowMs)
  if (typeof lifeMs !== 'number') return touch
  if (new Date(expires as string).getTime() - nowMs > lifeMs / 2) return undefined
  // Where it is safe, the end is written into the session too, so that the next visits need not.
  return writer.compares || kind.isOver !== undefined ? async () => void (await write(old, kind, id, nothing, nowMs)) : touch
}

function wholeIn(content: unknown): WholeSession | null {
  const session = typeof content === 'string' ? jsonValues(content) : membersOf(content)
  return typeof session?.['cookie'] === 'object' && session['cookie'] !== null ? session : null
}

/** Within one process it can be an object with methods. */
function cookieOf(session: WholeSession): Readonly<Record<string, unknown>> {
  const cookie = session['cookie'] as Readonly<Record<string, unknown>>
  return typeof cookie['toJSON'] === 'function' ? ((cookie['toJSON'] as () => object).call(cookie) as typeof cookie) : cookie
}

function lengthened(session: WholeSession, nowMs: number): WholeSession {
  const cookie = cookieOf(session)
  const { originalMaxAge: lifeMs } = cookie
  return { ...session, cookie: typeof lifeMs === 'number' ? { ...cookie, expires: new Date(nowMs + lifeMs) } : cookie }
}
