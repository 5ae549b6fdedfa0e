/** A browser without a window: keeps the cookies it is given and shows them at its next visit. */
import type { Outgoing, Session, Sessions } from '../../src/index.ts'

type Any = Record<string, unknown>
type Handler<T> = (session: Session<Any>) => T | Promise<T>

export interface VisitOptions {
  readonly name?: string
  readonly status?: number
  readonly method?: string
  readonly headers?: Record<string, string>
}

export interface Visited<T> {
  readonly result: T
  readonly outgoing: Outgoing
}

export class Visitor {
  readonly jar: Map<string, string>
  readonly #sessions: Pick<Sessions, 'visit'>

  constructor(sessions: Pick<Sessions, 'visit'>, jar: ReadonlyMap<string, string> = new Map()) {
    this.#sessions = sessions
    this.jar = new Map(jar)
  }

  /** Another visitor who holds a copy of these cookies. */
  clone(): Visitor {
    return new Visitor(this.#sessions, this.jar)
  }

  get cookie(): string {
    return [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** Opens the session, so that a test decides when the rest happens. */
  async begin(
    options: VisitOptions = {},
  ): Promise<{ session: Session<Any>; finish: (status?: number) => Promise<Outgoing>; settled: () => Promise<void> }> {
    const { cookie } = this
    const header = (name: string): string | undefined => (name === 'cookie' ? cookie || undefined : options.headers?.[name])
    const visit = this.#sessions.visit({ method: options.method ?? 'GET', header })
    const session = await visit.session<Any>(options.name)
    const finish = async (status = options.status): Promise<Outgoing> => {
      const outgoing = await visit.commit(status)
      this.receive(outgoing)
      return outgoing
    }
    return { session, finish, settled: () => visit.settled() }
  }

  /** One whole request. */
  async visit<T>(handler: Handler<T>, options: VisitOptions = {}): Promise<Visited<T>> {
    const { session, finish } = await this.begin(options)
    const result = await handler(session)
    return { result, outgoing: await finish() }
  }

  /** Takes in what a response sets. */
  receive(outgoing: Outgoing): void {
    for (const setCookie of outgoing.setCookies) {
      const [pair = '', ...attributes] = setCookie.split('; ')
      const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
      if (attributes.includes('Max-Age=0')) this.jar.delete(name)
      else this.jar.set(name, value)
    }
  }
}
