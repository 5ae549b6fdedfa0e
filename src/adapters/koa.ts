import { commitAndTell } from './committing.ts'
import { attach, type VisitSource } from './install.ts'
import { NodeEntrance, type NodeReply, type NodeRequest } from './node-entrance.ts'

export { getSession } from './install.ts'

interface Context {
  readonly req: NodeRequest
  readonly res: NodeReply
  readonly status: number
  /** `false`: the handler answers on `ctx.res` by itself. */
  readonly respond?: boolean
  onerror(error: unknown): void
}

class KoaEntrance extends NodeEntrance {
  readonly #ctx: Context

  constructor(sessions: VisitSource, ctx: Context) {
    super(sessions, ctx.req, ctx.res)
    this.#ctx = ctx
  }

  fail(error: unknown): void {
    this.#ctx.onerror(error)
  }

  /** Before Koa answers, so that an error middleware further out can catch what goes wrong. */
  async leave(): Promise<void> {
    const { visit, gate } = this
    if (visit === undefined || gate === undefined || this.#ctx.respond === false || !gate.claim()) return
    await commitAndTell(visit, this.#ctx.status, (outgoing) => gate.tell(outgoing))
  }
}

/**
 * Sessions for Koa: `app.use(koaSessions(sessions))`, then `await getSession(ctx)` in a middleware behind it.
 *
 * The session is stored when the middleware behind it is done and before Koa answers; when that fails the error is thrown
 * to the middleware in front, with its status. With `ctx.respond = false`, or when `ctx.res` is written directly, the session
 * is stored before the first byte. An answer of 500 or above drops the edits.
 *
 * @example
 * ```ts
 * import Koa from 'koa'
 * import { createSessions } from 'coatcheck'
 * import { getSession, koaSessions } from 'coatcheck/koa'
 * import { memoryStore } from 'coatcheck/memory'
 *
 * const sessions = createSessions<{ name: string }>({ secret: 'a secret of at least thirty-two bytes', store: memoryStore() })
 * const app = new Koa()
 * app.use(koaSessions(sessions))
 * app.use(async (ctx) => {
 *   const session = await getSession<{ name: string }>(ctx)
 *   ctx.body = `hello ${session.get('name') ?? 'stranger'}`
 * })
 * ```
 */
export function koaSessions(sessions: VisitSource): (ctx: Context, next: () => Promise<unknown>) => Promise<unknown> {
  return (ctx, next) => {
    const entrance = new KoaEntrance(sessions, ctx)
    attach(ctx.req, entrance)
    return next().then(() => (entrance.visit === undefined ? undefined : entrance.leave()))
  }
}
