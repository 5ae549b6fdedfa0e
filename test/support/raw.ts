/** Requests with exactly the bytes a test wants to send. */
import type { Outgoing, Session, SessionEvent, Sessions } from '../../src/index.ts'
import { Visitor } from './visitor.ts'

type Any = Record<string, unknown>

/** The default cookie's name. */
export const cookieName = '__Host-session'

export interface Answer {
  /** Whether a stored session was opened. */
  readonly opened: boolean
  readonly user: string | null
  readonly values: Any
  readonly outgoing: Outgoing
}

/** One whole request with this Cookie header. */
export async function request(
  sessions: Pick<Sessions, 'visit'>,
  cookie: string | undefined,
  handler: (session: Session<Any>) => unknown = () => undefined,
): Promise<Answer> {
  const visit = sessions.visit({ method: 'GET', header: (name) => (name === 'cookie' ? cookie : undefined) })
  const session = await visit.session<Any>()
  const [opened, user, values] = [!session.isNew, session.user, session.toJSON()]
  await handler(session)
  return { opened, user, values, outgoing: await visit.commit() }
}

/** A visitor who has stored `{ mine: value }`, and the token that opens it. */
export async function holder(
  sessions: Pick<Sessions, 'visit'>,
  value: unknown = 1,
): Promise<{ visitor: Visitor; token: string; id: string }> {
  const visitor = new Visitor(sessions)
  const { result: id } = await visitor.visit((session) => session.set('mine', value).id)
  return { visitor, token: tokenOf(visitor), id }
}

/** The token in the visitor's only cookie. */
export function tokenOf(visitor: Visitor): string {
  return [...visitor.jar.values()][0] ?? ''
}

/** Keeps the events, and says which words of rejection came since it was last asked. */
export function listener(): { readonly onEvent: (event: SessionEvent) => void; readonly events: SessionEvent[]; rejections(): string[] } {
  const events: SessionEvent[] = []
  let asked = 0
  return {
    events,
    onEvent: (event) => void events.push(event),
    rejections() {
      const fresh = events.slice(asked)
      asked = events.length
      return fresh.flatMap((event) => (event.type === 'rejected' ? [event.why] : []))
    },
  }
}
