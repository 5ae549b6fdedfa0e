import { attach, type VisitSource } from './install.ts'
import { answerError, NodeEntrance, type NodeReply, type NodeRequest } from './node-entrance.ts'

export { getSession } from './install.ts'

/** Goes on with the next handler, or with the error. */
type Next = (error?: unknown) => void
type Middleware = (req: NodeRequest, res: NodeReply, next?: Next) => void
type Listener<Req, Res> = (req: Req, res: Res) => void

class PlainEntrance extends NodeEntrance {
  readonly #next: Next | undefined

  constructor(sessions: VisitSource, req: NodeRequest, res: NodeReply, next: Next | undefined) {
    super(sessions, req, res)
    this.#next = next
  }

  fail(error: unknown): void {
    if (this.#next === undefined) answerError(this.res, error)
    else this.#next(error)
  }
}

/**
 * Sessions for `node:http`, `node:https`, `node:http2` (compatibility API) and connect-style routers.
 *
 * Without a handler it answers a middleware `(req, res, next?)`. With one it answers a listener for `createServer`; when the
 * handler throws, the client gets the status of the `CoatcheckError` or 500, and a 500 drops the edits and is a process warning.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { getSession, nodeSessions } from 'coatcheck/node'
 *
 * const sessions = createSessions<{ name: string }>({ secret: 'a secret of at least thirty-two bytes', store: memoryStore() })
 * const server = createServer(
 *   nodeSessions(sessions, async (req, res) => {
 *     const session = await getSession<{ name: string }>(req)
 *     res.end(`hello ${session.get('name') ?? 'stranger'}`)
 *   }),
 * )
 * server.close()
 * ```
 */
export function nodeSessions(sessions: VisitSource): Middleware
export function nodeSessions<Req extends NodeRequest, Res extends NodeReply>(
  sessions: VisitSource,
  handler: (req: Req, res: Res) => unknown,
): Listener<Req, Res>
export function nodeSessions<Req extends NodeRequest, Res extends NodeReply>(
  sessions: VisitSource,
  handler?: (req: Req, res: Res) => unknown,
): Middleware | Listener<Req, Res> {
  if (handler === undefined) return (req, res, next) => enter(sessions, req, res, next)
  return async (req: Req, res: Res) => {
    try {
      enter(sessions, req, res)
      await handler(req, res)
    } catch (error) {
      answerError(res, error)
    }
  }
}

function enter(sessions: VisitSource, req: NodeRequest, res: NodeReply, next?: Next): void {
  attach(req, new PlainEntrance(sessions, req, res, next))
  next?.()
}
