import { Agent, request } from 'node:http'

/** How long a server may take before a case fails. */
const answerMsMax = 5_000

/** One answer, as it came over the wire. */
export interface Answer {
  readonly status: number
  readonly body: string
  /** A header's value, lines joined with `, `; `''` when absent. */
  header(name: string): string
  /** Every Set-Cookie line, in order. */
  readonly setCookies: readonly string[]
}

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Called when the head has arrived, before the body. */
  readonly onHead?: () => void
  /** Cuts the connection at the head (`'head'`) or the given time after the request has left. */
  readonly cut?: 'head' | number
}

/** A client with a cookie jar and a connection of its own that it keeps open. */
export class Browser {
  readonly #url: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly cookies = new Map<string, string>()

  constructor(url: string) {
    this.#url = url
  }

  get(path: string, sent: Sent = {}): Promise<Answer> {
    return this.send('GET', path, sent)
  }

  send(method: string, path: string, { headers = {}, body = '', onHead, cut }: Sent = {}): Promise<Answer> {
    const jar = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const own = jar === '' ? headers : { cookie: jar, ...headers }
    return new Promise((resolve, reject) => {
      const sending = request(new URL(path, this.#url), { method, agent: this.#agent, headers: own, timeout: answerMsMax })
      sending.on('timeout', () => sending.destroy(new Error(`${method} ${path} got no answer within ${answerMsMax} ms`)))
      sending.on('error', reject)
      sending.on('response', (incoming) => {
        onHead?.()
        if (cut === 'head') sending.destroy(new Error('cut'))
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => {
          const answer = answerOf(incoming.statusCode ?? 0, incoming.rawHeaders, Buffer.concat(chunks).toString())
          this.#keep(answer)
          resolve(answer)
        })
      })
      if (typeof cut === 'number') setTimeout(() => sending.destroy(new Error('cut')), cut)
      sending.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }

  #keep({ setCookies }: Answer): void {
    for (const line of setCookies) {
      const [pair = '', ...attributes] = line.split('; ')
      const at = pair.indexOf('=')
      const gone = attributes.some((one) => /^max-age=0$/i.test(one))
      if (gone) this.cookies.delete(pair.slice(0, at))
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
  }
}

function answerOf(status: number, rawHeaders: readonly string[], body: string): Answer {
  const lines: [string, string][] = []
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push([(rawHeaders[at] ?? '').toLowerCase(), rawHeaders[at + 1] ?? ''])
  const valuesOf = (name: string): string[] => lines.filter(([one]) => one === name).map(([, value]) => value)
  return { status, body, header: (name) => valuesOf(name).join(', '), setCookies: valuesOf('set-cookie') }
}
