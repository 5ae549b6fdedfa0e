/** Stores that live in a runtime of their own, lent over HTTP to programs in Node: POST /<store>/<method> with the arguments as JSON. */
import { CoatcheckError } from '../../../src/core/errors.ts'
import type { SessionStore } from '../../../src/core/types.ts'

export interface Hosted {
  readonly store: SessionStore
  /** Round trips so far, where they are counted. */
  trips?(): number
  /** More that a test may call. */
  readonly extras?: Readonly<Record<string, (...args: never[]) => unknown>>
}

/** What a program is told of a store: GET /<store>. */
export interface Description {
  readonly guarantees: SessionStore['guarantees']
  readonly methods: readonly string[]
  readonly trips: number | null
}

type Method = (...args: unknown[]) => unknown

export async function serveStores(stores: Readonly<Record<string, Hosted>>, request: Request): Promise<Response> {
  const [, name = '', method = ''] = new URL(request.url).pathname.split('/')
  const hosted = stores[name]
  if (hosted === undefined) return new Response(`there is no store ${name}`, { status: 404 })
  const { store, trips, extras } = hosted
  const methods = { ...store, ...extras } as unknown as Record<string, unknown>
  if (method === '') {
    const callable = Object.keys(store).filter((key) => typeof methods[key] === 'function')
    return Response.json({ guarantees: store.guarantees, methods: callable, trips: trips?.() ?? null } satisfies Description)
  }
  try {
    const args = (await request.json()) as unknown[]
    return Response.json({ answer: (await (methods[method] as Method)(...args)) ?? null })
  } catch (error) {
    const code = error instanceof CoatcheckError ? error.code : null
    return Response.json({ code, message: String(error) }, { status: 500 })
  }
}
