import { CoatcheckError } from '../core/errors.ts'
import type { Session } from '../core/session.ts'
import type { Ask, RequestHead, Visit } from '../http/types.ts'

/** The part of what `createSessions` returns that an adapter needs. */
export interface VisitSource {
  visit(head: RequestHead): Visit
}

/** What an adapter leaves on a request: nothing has happened yet, `open` makes it happen. */
export interface Entrance {
  readonly sessions: VisitSource
  open<Data extends object>(ask?: Ask): Promise<Session<Data>>
}

/** Not registered, so that neither a polluted `Object.prototype` nor another package can answer to it. */
const entrance = Symbol('coatcheck')

interface Carrier {
  [entrance]?: Entrance
  readonly req?: Carrier | null
  readonly raw?: Carrier | null
}

/**
 * Leaves the entrance on a request: one property, the whole cost of a request that never asks for its session.
 * When the same sessions are there already (a router nested in another) that entrance stays, and this one is never opened.
 */
export function attach(target: object, entered: Entrance): void {
  const carrier: Carrier = target
  const before = carrier[entrance]
  if (before === undefined) carrier[entrance] = entered
  if (before === undefined || before.sessions === entered.sessions) return
  throw new CoatcheckError(
    'config_invalid',
    'this request already has sessions from another createSessions; for several kinds of session write one createSessions({ stores: { auth, prefs } }) and getSession(request, "prefs")',
  )
}

/**
 * Opens the session of a request: the store is read at the first call, never before, and at most once.
 *
 * @param request what the framework hands to a handler: Express `req`, Fastify `request`, Koa `ctx`, Hono `c`, a Node
 *   `IncomingMessage`, a fetch `Request`. Under Koa and Fastify the raw Node request works too.
 * @param ask which session, when `createSessions` was given `stores: { … }`; with `csrf: { token: true }` also the token of the form
 * @throws CoatcheckError `not_installed`, `csrf_refused` (RFC 6265 section 8.2), `store_unavailable`, `store_overloaded`
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { getSession, nodeSessions } from 'coatcheck/node'
 *
 * const sessions = createSessions<{ views: number }>({ secret: 'a secret of at least thirty-two bytes', store: memoryStore() })
 * createServer(
 *   nodeSessions(sessions, async (req, res) => {
 *     const session = await getSession<{ views: number }>(req)
 *     session.update('views', (views = 0) => views + 1)
 *     res.end(`${session.get('views')} views`)
 *   }),
 * )
 * ```
 */
export function getSession<Data extends object = Record<string, unknown>>(request: object, ask?: Ask): Promise<Session<Data>> {
  const carrier: Carrier = request
  const entered = carrier[entrance] ?? carrier.req?.[entrance] ?? carrier.raw?.[entrance]
  if (entered !== undefined) return entered.open<Data>(ask)
  return Promise.reject(
    new CoatcheckError(
      'not_installed',
      'no sessions on this request: install them before the handler, app.use(expressSessions(sessions)), app.use(koaSessions(sessions)), app.use(honoSessions(sessions)), app.register(fastifySessions(sessions)), or wrap it, nodeSessions(sessions, handler), fetchSessions(sessions, handler)',
    ),
  )
}
