import type { Route } from './messages.ts'
import { visitorName } from './session.ts'

/** One visitor: a cookie jar, and what their session should hold by now. */
export class Visitor {
  readonly #number: number
  readonly #cookies = new Map<string, string>()
  #requests: Partial<Record<Route, Buffer>> = {}
  #n = 0

  constructor(number: number) {
    this.#number = number
  }

  get cookieBytes(): number {
    return this.#cookieHeader().length
  }

  seedRequest(): Buffer {
    return this.#request('POST', `/seed?v=${this.#number}`)
  }

  /** Built once for each cookie value: composing it costs the load more than sending it. */
  request(route: Route): Buffer {
    return (this.#requests[route] ??= this.#request(route === 'write' ? 'POST' : 'GET', `/${route}`))
  }

  keep(setCookie: string): void {
    const equals = setCookie.indexOf('=')
    const name = setCookie.slice(0, equals)
    const value = setCookie.slice(equals + 1)
    if (this.#cookies.get(name) === value) return
    this.#cookies.set(name, value)
    this.#requests = {}
  }

  /** Throws when the answer shows that the session was not there, or that a write was lost. */
  check(route: Route, body: string): void {
    if (route === 'write') this.#n += 1
    const expected =
      route === 'untouched' ? '{"ok":true}' : route === 'read' ? `{"value":"${visitorName(this.#number)}"}` : `{"n":${this.#n}}`
    if (body !== expected) throw new Error(`/${route} answered ${body} instead of ${expected}`)
  }

  #request(method: string, path: string): Buffer {
    const cookies = this.#cookieHeader()
    const length = method === 'POST' ? 'Content-Length: 0\r\n' : ''
    const cookie = cookies === '' ? '' : `Cookie: ${cookies}\r\n`
    return Buffer.from(
      `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nSec-Fetch-Site: same-origin\r\n${length}${cookie}\r\n`,
      'latin1',
    )
  }

  #cookieHeader(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }
}
