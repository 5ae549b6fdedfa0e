import type { Session } from '../core/session.ts'
import type { Outcome } from '../core/types.ts'

/** What an adapter knows of a request. Read only when a handler asks for its session. */
export interface RequestHead {
  /** As the handler sees it now, so that a method override in front of it counts. */
  readonly method: string
  /** A header by its lower-case name; several lines joined as HTTP joins them (`; ` for cookie, `, ` for others). */
  header(name: string): string | undefined
}

/** What a commit wants on the response. `applyOutgoing` puts it there. */
export interface Outgoing {
  /** How the commit ended; with several named sessions, the first of them that is not `untouched`. */
  readonly outcome: Outcome
  /** Complete Set-Cookie values, at most one for each cookie name. */
  readonly setCookies: readonly string[]
  /** Headers of the header transport, `[name, value]`. */
  readonly headers: readonly (readonly [string, string])[]
  /** The request header the response depends on (`Cookie`, or the transport's), or `null` when no session was read. */
  readonly vary: string | null
}

/** Which session a handler asks for: its name, or its name and the token of the form it was sent. */
export type Ask =
  | string
  | {
      readonly name?: string
      /** With `csrf: { token: true }`: what the form sent. Scripts send it as the header `x-csrf-token` instead. */
      readonly csrfToken?: string
    }

/** One request's way through: open at most once, commit once. */
export interface Visit<Data extends object = Record<string, unknown>> {
  /** Opens the session of this request, reading the store at most once. Later calls answer the same object. */
  session<D extends object = Data>(ask?: Ask): Promise<Session<D>>
  /** Whether a handler has asked. While `false`, commit does nothing and an adapter may skip it. */
  readonly asked: boolean
  /**
   * Saves the edits and says what the response must carry. Call it once, before the first header byte. A `status` of 500
   * or above drops the edits. When it rejects, nothing has been promised to anybody: answer the error, with what `commit(500)` says
   * then: of several sessions some may be stored.
   * From then on edits save themselves, and one that needs a Set-Cookie throws `headers_sent`.
   */
  commit(status?: number): Promise<Outgoing>
  /** What `commit` would answer, when there is nothing to store and so nothing to wait for; then it is done. Otherwise `null`. */
  commitAtOnce(): Outgoing | null
  /** Resolves when the edits made after `commit` are stored; rejects when one was not. Await it before ending the response. */
  settled(): Promise<void>
  /** Whether `settled` has anything to wait for. */
  readonly unsettled: boolean
}
