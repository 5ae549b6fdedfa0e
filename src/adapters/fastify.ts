import { attach, type VisitSource } from './install.ts'
import { answerError, NodeEntrance, type NodeReply, type NodeRequest } from './node-entrance.ts'

export { getSession } from './install.ts'

interface Reply {
  readonly raw: NodeReply
  /** Fastify's word for ended or hijacked. */
  readonly sent: boolean
  send(payload: unknown): unknown
}

type Hook = (request: { readonly raw: NodeRequest }, reply: Reply, done: () => void) => void

interface Instance {
  addHook(name: 'onRequest', hook: Hook): unknown
}

class FastifyEntrance extends NodeEntrance {
  readonly #reply: Reply

  constructor(sessions: VisitSource, req: NodeRequest, reply: Reply) {
    super(sessions, req, reply.raw)
    this.#reply = reply
  }

  fail(error: unknown): void {
    // A hijacked reply takes no payload, not even an error: the handler has taken the response away from Fastify.
    if (this.#reply.sent) answerError(this.res, error)
    else this.#reply.send(error)
  }
}

/**
 * Sessions for Fastify: `app.register(fastifySessions(sessions))`, then `await getSession(request)` in a handler.
 *
 * They are there for the instance that registers them and everything below it, as with fastify-plugin. Works for replies,
 * streams, `reply.hijack()` and `inject`. When the session cannot be stored the error goes Fastify's way (error handler,
 * `onError`), with its status; an answer of 500 or above drops the edits.
 *
 * @example
 * ```ts
 * import fastify from 'fastify'
 * import { createSessions } from 'coatcheck'
 * import { fastifySessions, getSession } from 'coatcheck/fastify'
 * import { memoryStore } from 'coatcheck/memory'
 *
 * const sessions = createSessions<{ name: string }>({ secret: 'a secret of at least thirty-two bytes', store: memoryStore() })
 * const app = fastify()
 * app.register(fastifySessions(sessions))
 * app.get('/', async (request) => {
 *   const session = await getSession<{ name: string }>(request)
 *   return `hello ${session.get('name') ?? 'stranger'}`
 * })
 * ```
 */
export function fastifySessions(sessions: VisitSource): (app: Instance, options: object, done: () => void) => void {
  const hook: Hook = (request, reply, done) => {
    attach(request.raw, new FastifyEntrance(sessions, request.raw, reply))
    done()
  }
  const plugin = (app: Instance, _options: object, done: () => void): void => {
    app.addHook('onRequest', hook)
    done()
  }
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'coatcheck',
    [Symbol.for('plugin-meta')]: { name: 'coatcheck', fastify: '5.x' },
  })
}
