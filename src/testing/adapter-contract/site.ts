import { deepStrictEqual } from 'node:assert/strict'
import type { Session } from '../../core/session.ts'
import type { SessionsOptions } from '../../http/session-options.ts'
import { createSessions, type Sessions } from '../../http/sessions.ts'
import { Browser } from './browser.ts'
import { RecordingStore } from './recording-store.ts'

/** Response headers; several values are several lines. */
export type FieldLines = Readonly<Record<string, string | readonly string[]>>

/** One request and its answer, in the words every framework has. A harness maps them to its own. */
export interface Exchange {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  /** The adapter's `getSession` for this request. */
  session(name?: string): Promise<Session>
  reply(status: number, headers: FieldLines, body: string): unknown
  /** A body that is sent as it comes. */
  stream(status: number, headers: FieldLines, chunks: AsyncIterable<string>): unknown
  redirect(status: number, location: string): unknown
}

/** Answers with what `reply`, `stream` or `redirect` answered. What it throws goes the framework's way. */
export type Handler = (exchange: Exchange) => Promise<unknown>

/** Starts the framework with the sessions installed and one handler for every path, on a free loopback port. */
export type Serve = (sessions: Sessions, handler: Handler) => Promise<{ readonly url: string; close(): Promise<void> }>

export type Routes = Readonly<Record<string, Handler>>

/** A served application for one case, with everything a case looks at. */
export class Site {
  readonly store: RecordingStore
  readonly url: string
  readonly #browsers: Browser[] = []
  readonly #close: () => Promise<void>

  private constructor(store: RecordingStore, url: string, close: () => Promise<void>) {
    this.store = store
    this.url = url
    this.#close = close
  }

  /** Serves the routes while `visit` runs. */
  static async open(
    serve: Serve,
    routes: Routes,
    visit: (site: Site) => Promise<void>,
    options: Partial<SessionsOptions> = {},
  ): Promise<void> {
    const store = new RecordingStore()
    const sessions = createSessions({ ...settings, ...(options.stores === undefined ? { store } : {}), ...options })
    const served = await serve(sessions, async (exchange) => (routes[exchange.path] ?? notFound)(exchange))
    const site = new Site(store, served.url, () => served.close())
    try {
      await visit(site)
    } finally {
      for (const browser of site.#browsers) browser.close()
      await site.#close()
      await sessions.close()
    }
  }

  browser(): Browser {
    const browser = new Browser(this.url)
    this.#browsers.push(browser)
    return browser
  }
}

/** Plain http on loopback: without `Secure` the `__Host-` prefix is not possible. */
export const settings = { secret: 'only the adapter contract uses this secret', cookie: { secure: false } } as const

/** The cookie of `settings`. */
export const cookieName = 'session'

const notFound: Handler = async (exchange) => exchange.reply(404, {}, 'not found')

export const reply = (exchange: Exchange, body: unknown): unknown => exchange.reply(200, { 'content-type': 'text/plain' }, String(body))

/** `/write` counts in the session, `/read` answers the count; what most cases start from. */
export const counter: Routes = {
  '/write': async (exchange) => {
    const session = await exchange.session()
    return reply(
      exchange,
      session.update('n', (n) => (typeof n === 'number' ? n : 0) + 1),
    )
  },
  '/read': async (exchange) => {
    const session = await exchange.session()
    return reply(exchange, session.get('n') ?? 0)
  },
}

/** The values of a session, asked for as a client would. */
export async function expectCount(browser: Browser, expected: number): Promise<void> {
  deepStrictEqual((await browser.get('/read')).body, String(expected))
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
