import { CoatcheckError } from '../core/errors.ts'
import type { Outgoing, Visit } from '../http/types.ts'
import { errorResponse } from './error-answer.ts'
import { endSettled, FetchEntrance, withOutgoing } from './fetch-entrance.ts'
import { attach, type VisitSource } from './install.ts'

export { getSession } from './install.ts'

type Handler<Rest extends unknown[]> = (request: Request, ...rest: Rest) => Response | Promise<Response>
type Wrapped<Rest extends unknown[]> = (request: Request, ...rest: Rest) => Promise<Response>

/**
 * Sessions for anything that maps a fetch `Request` to a `Response`: Bun, Deno, Cloudflare Workers, Next.js route handlers …
 *
 * Answers the wrapped handler; without a handler, a function that wraps one. The session is stored before the response is
 * handed out. A `CoatcheckError` the handler does not catch becomes a response with its status; other errors are thrown on.
 * Either way, and for a response of 500 or above, the edits are dropped.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { fetchSessions, getSession } from 'coatcheck/fetch'
 * import { memoryStore } from 'coatcheck/memory'
 *
 * const sessions = createSessions<{ name: string }>({ secret: 'a secret of at least thirty-two bytes', store: memoryStore() })
 * const fetch = fetchSessions(sessions, async (request) => {
 *   const session = await getSession<{ name: string }>(request)
 *   return new Response(`hello ${session.get('name') ?? 'stranger'}`)
 * })
 * const response = await fetch(new Request('https://example.com/'))
 * if ((await response.text()) !== 'hello stranger') throw new Error('unexpected')
 * ```
 */
export function fetchSessions(sessions: VisitSource): <Rest extends unknown[]>(handler: Handler<Rest>) => Wrapped<Rest>
export function fetchSessions<Rest extends unknown[]>(sessions: VisitSource, handler: Handler<Rest>): Wrapped<Rest>
export function fetchSessions<Rest extends unknown[]>(sessions: VisitSource, handler?: Handler<Rest>): unknown {
  if (handler === undefined) return <More extends unknown[]>(later: Handler<More>) => fetchSessions(sessions, later)
  return async (request: Request, ...rest: Rest) => {
    const entrance = new FetchEntrance(sessions, request)
    attach(request, entrance)
    let response: Response
    try {
      response = await handler(request, ...rest)
    } catch (error) {
      // What a rotation ahead of the commit has to tell the client is told even then.
      const outgoing = await entrance.visit?.commit(500)
      const answer = answerOf(error)
      return outgoing === undefined ? answer : withOutgoing(answer, outgoing)
    }
    return entrance.visit === undefined ? response : leave(entrance.visit, response)
  }
}

async function leave(visit: Visit, response: Response): Promise<Response> {
  let outgoing: Outgoing
  try {
    outgoing = visit.commitAtOnce() ?? (await visit.commit(response.status))
  } catch (error) {
    // Of several sessions some may be stored: what they have to tell is told by the error's answer.
    return withOutgoing(answerOf(error), await visit.commit(500))
  }
  return endSettled(withOutgoing(response, outgoing), visit)
}

/** Ours as a response; any other is thrown on, for the runtime to answer. */
function answerOf(error: unknown): Response {
  if (error instanceof CoatcheckError) return errorResponse(error)
  throw error
}
