import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Session } from '../core/session.ts'
import type { Ask, RequestHead, Visit } from '../http/types.ts'
import { errorAnswer } from './error-answer.ts'
import type { Entrance, VisitSource } from './install.ts'
import { NodeGate } from './node-gate.ts'

/** A request as Node's http, https and http2 (compatibility API) modules hand it to a listener. */
export type NodeRequest = IncomingMessage | Http2ServerRequest
/** The response beside it. */
export type NodeReply = ServerResponse | Http2ServerResponse

class NodeHead implements RequestHead {
  readonly #req: NodeRequest

  constructor(req: NodeRequest) {
    this.#req = req
  }

  get method(): string {
    return this.#req.method ?? ''
  }

  header(name: string): string | undefined {
    const { headers } = this.#req
    // HTTP/2 says :authority where HTTP/1 says Host (RFC 9113 section 8.3.1).
    if (name === 'host' && !Object.hasOwn(headers, 'host')) name = ':authority'
    // Own ones only: under HTTP/1 `headers` inherits from Object.prototype, which somebody may have polluted.
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined
    return Array.isArray(value) ? value.join(name === 'cookie' ? '; ' : ', ') : value
  }
}

/** The entrance of Node-style frameworks. Each says in `fail` how it answers when the session could not be stored. */
export abstract class NodeEntrance implements Entrance {
  readonly sessions: VisitSource
  readonly req: NodeRequest
  readonly res: NodeReply
  visit: Visit | undefined
  gate: NodeGate | undefined

  constructor(sessions: VisitSource, req: NodeRequest, res: NodeReply) {
    this.sessions = sessions
    this.req = req
    this.res = res
  }

  abstract fail(error: unknown): void

  open<Data extends object>(ask?: Ask): Promise<Session<Data>> {
    const visit = (this.visit ??= this.sessions.visit(new NodeHead(this.req)))
    const gate = (this.gate ??= new NodeGate(visit, this.res, this, this.res.headersSent))
    const opening = visit.session<Data>(ask)
    return gate.idle ? opening : this.#late(visit, opening)
  }

  /** Asked for when the response has begun: nothing will commit this one any more, its edits have to save themselves at once. */
  async #late<Data extends object>(visit: Visit, opening: Promise<Session<Data>>): Promise<Session<Data>> {
    const session = await opening
    await visit.commit(this.res.statusCode)
    return session
  }
}

/** For when there is no framework to hand the error to: its status and its code, as text; a 500 is a process warning. */
export function answerError(res: NodeReply, error: unknown): void {
  const { status, text } = errorAnswer(error)
  if (status === 500) process.emitWarning(error instanceof Error ? error : String(error))
  if (res.headersSent) return void res.destroy(error instanceof Error ? error : undefined)
  for (const name of res.getHeaderNames()) res.removeHeader(name)
  res.statusCode = status
  res.setHeader('Content-Type', 'text/plain; charset=utf-8')
  res.end(text)
}
