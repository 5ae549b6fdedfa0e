import type { Socket } from 'node:net'
import { more, type Question } from './questions.ts'
import { type Reply, ReplyReader } from './replies.ts'

interface Waiting {
  readonly sinceMs: number
  /** Answers whether this was the last reply to the question. Throws when it was none. */
  readonly take: (reply: Reply) => boolean
  readonly reject: (error: Error) => void
  next: Waiting | null
}

/**
 * One open socket. Questions leave at once and are answered in order, so any number can be under way. An answer that is late,
 * or that belongs to no question, ends the connection and everything on it: nobody is ever given what came for somebody else.
 */
export class Connection {
  /** Which life of the server's memory this connection sees; the handshake finds out (handshake.ts). */
  life = ''
  readonly ended: Promise<void>
  readonly #socket: Socket
  readonly #timeoutMs: number
  readonly #end: () => void
  readonly #replies = new ReplyReader((reply) => this.#answer(reply))
  #first: Waiting | null = null
  #last: Waiting | null = null
  #load = 0
  #asked = 0
  #outbox: Buffer[] = []
  #deadline: NodeJS.Timeout | null = null
  #broken: Error | null = null
  #retired = false

  constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket
    this.#timeoutMs = timeoutMs
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ended = promise
    this.#end = resolve
    socket.on('data', (bytes) => this.#receive(bytes))
    socket.on('error', (error) => this.#break(error))
    socket.on('close', () => this.#break(new Error('the server closed the connection')))
  }

  /** Questions under way. */
  get load(): number {
    return this.#load
  }

  /** Whether it was retired, rather than broken by something. */
  get retired(): boolean {
    return this.#retired
  }

  ask<T>(question: Question<T>): Promise<T> {
    if (this.#broken !== null) return Promise.reject(this.#broken)
    return new Promise<T>((resolve, reject) => {
      const tag = (this.#asked++).toString(36)
      const take = (reply: Reply): boolean => {
        const answer = question.read(reply, tag)
        if (answer === more) return false
        resolve(answer)
        return true
      }
      this.#wait({ sinceMs: performance.now(), take, reject, next: null })
      this.#send(question.write(tag))
    })
  }

  /** Lets what is under way come to its end, and then closes. */
  retire(): void {
    this.#retired = true
    if (this.#first === null) this.#break(new Error('the connection is closed'))
  }

  #wait(waiting: Waiting): void {
    if (this.#last === null) this.#first = waiting
    else this.#last.next = waiting
    this.#last = waiting
    this.#load++
    if (this.#deadline === null) this.#setDeadline(waiting.sinceMs)
  }

  /** What is asked in one turn leaves in one write. Only where answers are awaited anyway does it wait for the rest of the turn. */
  #send(bytes: Buffer): void {
    this.#outbox.push(bytes)
    if (this.#outbox.length > 1) return
    if (this.#load === 1) queueMicrotask(() => this.#flush())
    else setImmediate(() => this.#flush())
  }

  #flush(): void {
    const outbox = this.#outbox
    this.#outbox = []
    const [first] = outbox
    if (first === undefined || this.#broken !== null) return
    this.#socket.write(outbox.length === 1 ? first : Buffer.concat(outbox))
  }

  #receive(bytes: Buffer): void {
    try {
      this.#replies.take(bytes)
    } catch (error) {
      this.#break(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #answer(reply: Reply): void {
    const first = this.#first
    if (first === null) throw new Error('the server said something nobody had asked for')
    if (!first.take(reply)) return
    this.#first = first.next
    this.#load--
    if (this.#first !== null) return
    this.#last = null
    if (this.#retired) this.#break(new Error('the connection is closed'))
  }

  #setDeadline(sinceMs: number): void {
    const leftMs = sinceMs + this.#timeoutMs - performance.now()
    // After a pause of this process the answer may lie in the socket, unread: sockets are read before immediates run.
    this.#deadline = setTimeout(() => setImmediate(() => this.#judge()), Math.max(1, leftMs)).unref()
  }

  #judge(): void {
    this.#deadline = null
    const first = this.#first
    if (first === null) return
    if (performance.now() - first.sinceMs < this.#timeoutMs) return this.#setDeadline(first.sinceMs)
    this.#break(new Error(`did not answer within ${this.#timeoutMs} ms`))
  }

  #break(error: Error): void {
    if (this.#broken !== null) return
    this.#broken = error
    if (this.#deadline !== null) clearTimeout(this.#deadline)
    this.#socket.destroy()
    for (let one = this.#first; one !== null; one = one.next) one.reject(error)
    this.#first = null
    this.#last = null
    this.#load = 0
    this.#end()
  }
}
