import { type IncomingMessage, request, type RequestListener } from 'node:http'
import { buffer } from 'node:stream/consumers'

interface Hold {
  /** Resolves when the server has answered; what it answered. */
  readonly answered: Promise<IncomingMessage>
  /** Lets the answer through to the browser. */
  release(): void
}

/** The way to a server, on which a test decides in which order answers arrive. */
export class HeldLine {
  readonly #holds = new Map<string, { answered: (answer: IncomingMessage) => void; released: Promise<void> }>()

  /** Keeps the next answer to this path back. */
  hold(path: string): Hold {
    const [answered, released] = [Promise.withResolvers<IncomingMessage>(), Promise.withResolvers<void>()]
    this.#holds.set(path, { answered: answered.resolve, released: released.promise })
    return { answered: answered.promise, release: () => released.resolve() }
  }

  /** Hands requests on to a server on this machine. */
  to(port: number): RequestListener {
    return (req, res) => {
      const { method, url = '/', headers } = req
      const handed = request({ port, method, path: url, headers }, (answer) => {
        void buffer(answer).then(async (body) => {
          const hold = this.#holds.get(url)
          this.#holds.delete(url)
          hold?.answered(answer)
          await hold?.released
          res.writeHead(answer.statusCode ?? 500, answer.rawHeaders).end(body)
        })
      })
      req.pipe(handed)
    }
  }
}
