/**
 * The load process: 64 connections, 1,000 visitors in turn. All connections take from one queue, and a visitor comes back to its end
 * with the response: nobody ever has two requests under way, and all sessions are equally warm.
 */
import { Connection, type Response } from './connection.ts'
import { answerParent, type LoadCalls, type Target } from './messages.ts'
import { Visitor } from './visitors.ts'

const connectionCount = 64
const visitorCount = 1_000

interface Work {
  /** What to send next, or `undefined` when there is nothing more to send. */
  next(): { visitor: Visitor; request: Buffer } | undefined
  received(visitor: Visitor, response: Response): void
}

const visitorsOf = new Map<string, Visitor[]>()
let connections: Connection[] = []
let target: Target = { name: '', port: 0, sessionless: true }
let fail: (error: Error) => void = () => {}

answerParent<LoadCalls>({
  async open(to) {
    target = to
    connections = await Promise.all(Array.from({ length: connectionCount }, () => Connection.open(to.port, (error) => fail(error))))
    if (!visitorsOf.has(to.name)) visitorsOf.set(to.name, await seed())
    const visitors = visitorsOf.get(to.name) ?? []
    return { cookieBytes: Math.round(visitors.reduce((sum, { cookieBytes }) => sum + cookieBytes, 0) / visitors.length) }
  },
  async run({ route, runMs }) {
    const queue = [...(visitorsOf.get(target.name) ?? [])]
    const startMs = performance.now()
    const deadlineMs = startMs + runMs
    let sent = 0
    let requests = 0
    await work({
      next() {
        const visitor = queue[sent % visitorCount]
        if (visitor === undefined || performance.now() >= deadlineMs) return undefined
        sent += 1
        return { visitor, request: visitor.request(route) }
      },
      received(visitor, { setCookies, body }) {
        for (const setCookie of setCookies) visitor.keep(setCookie)
        if (!target.sessionless) visitor.check(route, body)
        queue[requests % visitorCount] = visitor
        requests += 1
      },
    })
    return { requests, wallMs: performance.now() - startMs }
  },
  close() {
    for (const connection of connections) connection.close()
    connections = []
  },
})

async function seed(): Promise<Visitor[]> {
  const visitors: Visitor[] = []
  await work({
    next() {
      if (visitors.length === visitorCount) return undefined
      const visitor = new Visitor(visitors.length)
      visitors.push(visitor)
      return { visitor, request: visitor.seedRequest() }
    },
    received(visitor, { setCookies }) {
      for (const setCookie of setCookies) visitor.keep(setCookie)
    },
  })
  return visitors
}

/**
 * Keeps every connection busy until `next` has nothing more and the last response is in. Rejects at the first wrong answer.
 * Never sleeps meanwhile: the kernel bills whoever writes to a sleeping process for waking it, so a slower server would also pay for
 * more of its client's naps. In a virtual machine that was up to 19 µs for a response.
 */
function work({ next, received }: Work): Promise<void> {
  return new Promise((resolve, reject) => {
    fail = ({ message }) => reject(new Error(`${target.name}: ${message}`))
    let busy = connections.length
    const send = (connection: Connection): void => {
      const item = next()
      if (item === undefined) {
        busy -= 1
        if (busy === 0) resolve()
        return
      }
      connection.send(item.request, (response) => {
        received(item.visitor, response)
        send(connection)
      })
    }
    for (const connection of connections) send(connection)
    const stayAwake = (): void => {
      if (busy > 0) setImmediate(stayAwake)
    }
    stayAwake()
  })
}
