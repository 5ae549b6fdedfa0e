import type { MoveIn, OldCookies } from '../../http/move-in.ts'

/** An old session, found and not yet taken over. */
export interface FoundSession {
  /** Names the old session for ever. */
  readonly identity: string
  readonly values: Readonly<Record<string, unknown>>
  /** When the old cookie stops being good by itself, in unix milliseconds; `null`: it does not. */
  readonly expiresAt: number | null
}

/** What a reader makes of these cookies. */
export async function foundBy(reader: MoveIn, cookies: OldCookies | null, nowMs: number): Promise<FoundSession | null> {
  const ticket = cookies === null ? null : reader.verify(cookies, nowMs)
  const session = await ticket?.load()
  return ticket && session ? { identity: ticket.identity, values: session.values, expiresAt: session.expiresAt } : null
}
