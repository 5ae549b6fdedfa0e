import { attach, type VisitSource } from './install.ts'
import { NodeEntrance, type NodeReply, type NodeRequest } from './node-entrance.ts'

export { getSession } from './install.ts'

type Next = (error?: unknown) => void

class ExpressEntrance extends NodeEntrance {
  readonly #next: Next

  constructor(sessions: VisitSource, req: NodeRequest, res: NodeReply, next: Next) {
    super(sessions, req, res)
    this.#next = next
  }

  fail(error: unknown): void {
    // Express keeps the `next` of the innermost router on the request: there the error finds that router's handlers first.
    const next: unknown = Reflect.get(this.req, 'next')
    if (typeof next === 'function') next(error)
    else this.#next(error)
  }
}

/**
 * Sessions for Express: `app.use(expressSessions(sessions))`, then `await getSession(req)` in a handler.
 *
 * The session is stored before the first byte of the answer leaves. When that fails the error goes to `next(error)`, with its
 * status (503 for a store that is away), and nothing of the handler's answer has left. An answer of 500 or above drops the edits.
 *
 * @example
 * ```ts
 * import express from 'express'
 * import { createSessions } from 'coatcheck'
 * import { expressSessions, getSession } from 'coatcheck/express'
 * import { memoryStore } from 'coatcheck/memory'
 *
 * const sessions = createSessions<{ name: string }>({ secret: 'a secret of at least thirty-two bytes', store: memoryStore() })
 * const app = express()
 * app.use(expressSessions(sessions))
 * app.get('/', async (req, res) => {
 *   const session = await getSession<{ name: string }>(req)
 *   res.send(`hello ${session.get('name') ?? 'stranger'}`)
 * })
 * ```
 */
export function expressSessions(sessions: VisitSource): (req: NodeRequest, res: NodeReply, next: Next) => void {
  return (req, res, next) => {
    attach(req, new ExpressEntrance(sessions, req, res, next))
    next()
  }
}
