import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { Handlers, Running } from '../subjects/subject.ts'
import { host, listening, visitorOf } from './listen.ts'

export interface NodeContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/** `wrap` is for a session layer that takes a whole listener. A rejection ends the process, and the measurement with it. */
export function serveNode(
  handlers: Handlers<NodeContext>,
  wrap: (listener: RequestListener) => RequestListener = (listener) => listener,
): Promise<Running> {
  const route = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    if (req.url === '/untouched') return answer(res, { ok: true })
    if (req.url === '/read') return answer(res, { value: await handlers.read({ req, res }) })
    if (req.url === '/write') return answer(res, { n: await handlers.write({ req, res }) })
    await handlers.seed({ req, res }, visitorOf(req.url ?? ''))
    answer(res, { ok: true })
  }
  return listening(createServer(wrap(route)).listen(0, host))
}

function answer(res: ServerResponse, body: object): void {
  res.setHeader('content-type', 'application/json')
  res.end(JSON.stringify(body))
}
