import type { Session } from '../core/session.ts'
import { commitAndTell } from './committing.ts'
import { endSettled, FetchEntrance, withOutgoing } from './fetch-entrance.ts'
import type { Ask } from '../http/types.ts'
import { attach, type VisitSource } from './install.ts'
import { answerError, type NodeReply } from './node-entrance.ts'
import { NodeGate } from './node-gate.ts'

export { getSession } from './install.ts'

interface Context {
  readonly req: { readonly raw: Request }
  readonly env: unknown
  get res(): Response
  set res(response: Response | undefined)
}

/** On the response that says: the handler answers on the Node response (RESPONSE_ALREADY_SENT of @hono/node-server). */
const alreadySent = 'x-hono-already-sent'

class HonoEntrance extends FetchEntrance {
  readonly #ctx: Context
  #gate: NodeGate | undefined

  constructor(sessions: VisitSource, ctx: Context) {
    super(sessions, ctx.req.raw)
    this.#ctx = ctx
  }

  override open<Data extends object>(ask?: Ask): Promise<Session<Data>> {
    const first = this.visit === undefined
    const opening = super.open<Data>(ask)
    const reply = first ? nodeReply(this.#ctx.env) : undefined
    if (reply !== undefined && this.visit !== undefined) this.#gate = new NodeGate(this.visit, reply, this, false)
    return opening
  }

  /** Only for a handler that answers on `c.env.outgoing` itself. */
  fail(error: unknown): void {
    const reply = nodeReply(this.#ctx.env)
    if (reply !== undefined) answerError(reply, error)
  }

  async leave(): Promise<void> {
    const { visit } = this
    if (visit === undefined) return
    const ctx = this.#ctx
    const gate = this.#gate
    const before = ctx.res
    if (gate !== undefined) {
      if (before.headers.has(alreadySent) || !gate.claim()) return
      // Not on `c.res`: @hono/node-server can answer with one Response again and again, and its short way for strings stays open.
      return commitAndTell(visit, before.status, (outgoing) => gate.tell(outgoing))
    }
    await commitAndTell(visit, before.status, (outgoing) => {
      const after = endSettled(withOutgoing(before, outgoing), visit)
      if (after === before) return
      // Not in one step: Hono would copy the headers of the old response over ours.
      ctx.res = undefined
      ctx.res = after
    })
  }
}

/** `c.env` under @hono/node-server. */
function nodeReply(env: unknown): NodeReply | undefined {
  const reply: unknown =
    typeof env === 'object' && env !== null && Object.hasOwn(env, 'outgoing') ? Reflect.get(env, 'outgoing') : undefined
  return typeof reply === 'object' && reply !== null && 'writeHead' in reply ? (reply as NodeReply) : undefined
}

/**
 * Sessions for Hono: `app.use(honoSessions(sessions))`, then `await getSession(c)` in a handler.
 *
 * The session is stored when the handler is done (after `onError`, too) and before the response is handed out. When that fails
 * the error goes to `onError`; Hono's own answers its status. A response of 500 or above drops the edits.
 * Runs wherever Hono does; under @hono/node-server a handler may also answer on `c.env.outgoing`. Elsewhere install it first: what a
 * middleware in front of it does to `Cache-Control` and `Vary` afterwards stands.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { createSessions } from 'coatcheck'
 * import { getSession, honoSessions } from 'coatcheck/hono'
 * import { memoryStore } from 'coatcheck/memory'
 *
 * const sessions = createSessions<{ name: string }>({ secret: 'a secret of at least thirty-two bytes', store: memoryStore() })
 * const app = new Hono()
 * app.use(honoSessions(sessions))
 * app.get('/', async (c) => {
 *   const session = await getSession<{ name: string }>(c)
 *   return c.text(`hello ${session.get('name') ?? 'stranger'}`)
 * })
 * ```
 */
export function honoSessions(sessions: VisitSource): (ctx: Context, next: () => Promise<void>) => Promise<void> {
  return (ctx, next) => {
    const entrance = new HonoEntrance(sessions, ctx)
    attach(ctx, entrance)
    return next().then(() => (entrance.visit === undefined ? undefined : entrance.leave()))
  }
}
