import { connect, type Socket } from 'node:net'
import { host } from './frameworks/listen.ts'

export interface Response {
  readonly setCookies: readonly string[]
  readonly body: string
}

type Receive = (response: Response) => void

const noCookies: readonly string[] = []

/** One keep-alive connection, one request at a time. Knows just enough HTTP for servers that send `Content-Length`. */
export class Connection {
  readonly #socket: Socket
  readonly #fail: (error: Error) => void
  #received = ''
  #receive: Receive | undefined

  private constructor(port: number, fail: (error: Error) => void) {
    this.#fail = fail
    const onread = { buffer: Buffer.alloc(65_536), callback: (size: number, bytes: Uint8Array) => this.#read(size, bytes as Buffer) }
    this.#socket = connect({ port, host, noDelay: true, onread })
    this.#socket.on('error', fail)
    this.#socket.on('close', () => this.#receive && fail(new Error('the server closed a connection in use')))
  }

  static open(port: number, fail: (error: Error) => void): Promise<Connection> {
    return new Promise((resolve) => {
      const connection = new Connection(port, fail)
      connection.#socket.once('connect', () => resolve(connection))
    })
  }

  send(request: Buffer, receive: Receive): void {
    this.#receive = receive
    this.#socket.write(request)
  }

  close(): void {
    this.#receive = undefined
    this.#socket.destroy()
  }

  #read(size: number, bytes: Buffer): boolean {
    this.#received += bytes.toString('latin1', 0, size)
    try {
      const response = parse(this.#received)
      const receive = this.#receive
      if (response === null || receive === undefined) return true
      this.#received = ''
      this.#receive = undefined
      receive(response)
    } catch (error) {
      this.#fail(error as Error)
    }
    return true
  }
}

/** `null`: not all of it is here yet. */
function parse(text: string): Response | null {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return null
  const head = text.slice(0, headEnd)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (!text.startsWith('HTTP/1.1 200 ') || length === undefined) throw new Error(`unexpected response:\n${text.slice(0, 2_000)}`)
  const body = text.slice(headEnd + 4)
  if (body.length < Number(length)) return null
  return { setCookies: setCookiesOf(head), body }
}

function setCookiesOf(head: string): readonly string[] {
  if (!head.includes('et-cookie: ') && !head.includes('et-Cookie: ')) return noCookies
  return Array.from(head.matchAll(/\r\nset-cookie: ([^;\r]*)/gi), ([, pair]) => pair ?? '')
}
