import type { Session } from '../core/session.ts'
import { applyOutgoing, type HeaderPort } from '../http/outgoing.ts'
import type { Ask, Outgoing, RequestHead, Visit } from '../http/types.ts'
import type { Entrance, VisitSource } from './install.ts'

class FetchHead implements RequestHead {
  readonly #request: Request

  constructor(request: Request) {
    this.#request = request
  }

  get method(): string {
    return this.#request.method
  }

  header(name: string): string | undefined {
    const value = this.#request.headers.get(name)
    if (value !== null) return value
    // HTTP/2 has no Host line, and a Request built by hand has none either: the URL says the same.
    return name === 'host' ? new URL(this.#request.url).host : undefined
  }
}

/** The entrance of fetch-style frameworks. */
export class FetchEntrance implements Entrance {
  readonly sessions: VisitSource
  readonly #request: Request
  visit: Visit | undefined

  constructor(sessions: VisitSource, request: Request) {
    this.sessions = sessions
    this.#request = request
  }

  open<Data extends object>(ask?: Ask): Promise<Session<Data>> {
    this.visit ??= this.sessions.visit(new FetchHead(this.#request))
    return this.visit.session<Data>(ask)
  }
}

/** The response with our headers; itself, or a copy where its headers are immutable (`Response.redirect`, fetched ones). */
export function withOutgoing(response: Response, outgoing: Outgoing): Response {
  try {
    const answer = mayReturn(response, outgoing) ? new Response(null, response) : response
    applyOutgoing(outgoing, portOf(answer.headers))
    return answer
  } catch (error) {
    // A copy of 101 or of Response.error() cannot be made, and a WebSocket would lose its socket.
    if (!(error instanceof TypeError) || response.status < 200) throw error
    const copy = new Response(response.body, response)
    applyOutgoing(outgoing, portOf(copy.headers))
    return copy
  }
}

/** A handler may keep a response without a body and answer everybody with it: the next visitor must not get the ticket of this one. */
function mayReturn(response: Response, { setCookies, headers }: Outgoing): boolean {
  return (setCookies.length > 0 || headers.length > 0) && response.status >= 200 && response.body === null
}

function portOf(headers: Headers): HeaderPort {
  return {
    get: (name) => (name.toLowerCase() === 'set-cookie' ? headers.getSetCookie() : (headers.get(name) ?? undefined)),
    set(name, value) {
      if (typeof value === 'string') return headers.set(name, value)
      headers.delete(name)
      for (const line of value) headers.append(name, line)
    },
  }
}

/**
 * The response with a body that ends when the edits made while it streams are stored.
 *
 * A body made of a string or of bytes is a byte stream, in every runtime that follows the Fetch standard ("extract a body"), and
 * no handler code runs while it is read; those stay as they are and keep their Content-Length. So does a handler's own byte
 * stream: its late edits are stored all the same, but its end does not wait for that.
 */
export function endSettled(response: Response, visit: Visit): Response {
  const { body } = response
  if (body === null || body.locked || isByteStream(body)) return response
  const reader = body.getReader()
  const gated = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read()
      if (!done) return controller.enqueue(value)
      await visit.settled()
      controller.close()
    },
    cancel: (reason) => reader.cancel(reason),
  })
  return new Response(gated, response)
}

function isByteStream(stream: ReadableStream): boolean {
  try {
    stream.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}
