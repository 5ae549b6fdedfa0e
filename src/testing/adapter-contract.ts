import assert from 'node:assert/strict'
import type { Case } from './adapter-contract/cases.ts'
import { cookieCases } from './adapter-contract/cookies.ts'
import { deliveryCases } from './adapter-contract/delivery.ts'
import type { Serve } from './adapter-contract/site.ts'
import { visitorCases } from './adapter-contract/visitors.ts'
import { writeCases } from './adapter-contract/writes.ts'
import type { Runner } from './runner.ts'

export type { Exchange, FieldLines, Handler, Serve } from './adapter-contract/site.ts'

/** An adapter under a framework, as the contract sees it. */
export interface AdapterUnderTest {
  /** For the test names. */
  readonly name: string
  readonly serve: Serve
  /** Cases this adapter cannot hold, by the beginning of their name, each with the reason. One that holds after all fails. */
  readonly lacks?: Readonly<Record<string, string>>
}

const cases: readonly Case[] = [...cookieCases, ...writeCases, ...deliveryCases, ...visitorCases]

/**
 * What every adapter must do, as tests over real HTTP on a loopback port. Each name begins with the id of the guarantee it checks.
 *
 * `serve` starts your framework with the adapter installed and one handler for every path, maps each request to an
 * {@link Exchange}, and leaves errors to the framework. The whole harness is about ten lines; `docs/adding-an-adapter.md` has one.
 *
 * @example
 * ```ts
 * import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
 * import type { AddressInfo } from 'node:net'
 * import { Readable } from 'node:stream'
 * import { describe, it } from 'node:test'
 * import { getSession, nodeSessions } from 'coatcheck/node'
 * import { adapterContract, type FieldLines } from 'coatcheck/testing'
 *
 * adapterContract(
 *   {
 *     name: 'node',
 *     async serve(sessions, handler) {
 *       const listener = nodeSessions(sessions, async (req: IncomingMessage, res: ServerResponse) => {
 *         const { pathname, searchParams } = new URL(req.url ?? '/', 'http://localhost')
 *         const head = (status: number, headers: FieldLines): void => {
 *           res.statusCode = status
 *           for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
 *         }
 *         await handler({
 *           method: req.method ?? 'GET',
 *           path: pathname,
 *           query: searchParams,
 *           session: (name) => getSession(req, name),
 *           reply: (status, headers, body) => (head(status, headers), res.end(body)),
 *           stream: (status, headers, chunks) => (head(status, headers), Readable.from(chunks).pipe(res)),
 *           redirect: (status, location) => (head(status, { location }), res.end()),
 *         })
 *       })
 *       const server = createServer(listener)
 *       await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
 *       const { port } = server.address() as AddressInfo
 *       return { url: `http://127.0.0.1:${port}`, close: () => new Promise((closed) => server.close(() => closed())) }
 *     },
 *   },
 *   { describe, it },
 * )
 * ```
 */
export function adapterContract({ name, serve, lacks = {} }: AdapterUnderTest, { describe, it }: Runner): void {
  const gaps = Object.entries(lacks)
  const unknown = gaps.filter(([start]) => !cases.some((one) => one.name.startsWith(start)))
  assert.deepEqual(unknown, [], 'lacks names cases that do not exist')
  describe(`adapter contract: ${name}`, () => {
    for (const one of cases) {
      const [, reason] = gaps.find(([start]) => one.name.startsWith(start)) ?? []
      if (reason === undefined) it(one.name, () => one.run(serve))
      else it(`lacks ${one.name}: ${reason}`, () => assert.rejects(one.run(serve), 'it holds after all: take it out of lacks'))
    }
  })
}
