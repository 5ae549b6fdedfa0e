import { serve as honoServer } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { expressSessions } from '../../src/adapters/express.ts'
import { fastifySessions } from '../../src/adapters/fastify.ts'
import { fetchSessions } from '../../src/adapters/fetch.ts'
import { honoSessions } from '../../src/adapters/hono.ts'
import { getSession } from '../../src/adapters/install.ts'
import { koaSessions } from '../../src/adapters/koa.ts'
import { nodeSessions } from '../../src/adapters/node.ts'
import type { Exchange, FieldLines, Handler, Serve } from '../../src/testing/adapter-contract.ts'

/** What of an exchange is the same under every framework. */
function asked(request: object, method: string, url: string): Pick<Exchange, 'method' | 'path' | 'query' | 'session'> {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  return { method, path: pathname, query: searchParams, session: (name) => getSession(request, name) }
}

export async function listening(server: Server): Promise<{ url: string; close(): Promise<void> }> {
  if (!server.listening) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const close = (): Promise<void> =>
    new Promise((done) => {
      server.close(() => done())
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${port}`, close }
}

export const listen = (listener: RequestListener): Promise<{ url: string; close(): Promise<void> }> => listening(createServer(listener))

/** A fetch `Response` whose Set-Cookie lines stay lines. */
function response(status: number, fields: FieldLines, body: BodyInit): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(fields)) for (const line of [value].flat()) headers.append(name, line)
  return new Response([204, 304].includes(status) ? null : body, { status, headers })
}

/** Not a byte stream: what a handler that writes its own body makes. */
export function streamOf(chunks: AsyncIterable<string>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(new TextEncoder().encode(value))
    },
  })
}

/** Hands a Node request to a handler of the contract. */
export async function exchanged(handler: Handler, req: IncomingMessage, res: ServerResponse, session: Exchange['session']): Promise<void> {
  const head = (status: number, headers: FieldLines): void => {
    res.statusCode = status
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  }
  await handler({
    ...asked(req, req.method ?? '', req.url ?? ''),
    session,
    reply: (status, headers, body) => (head(status, headers), res.end(body)),
    stream: (status, headers, chunks) => (head(status, headers), Readable.from(chunks).pipe(res)),
    redirect: (status, location) => (head(status, { location }), res.end()),
  })
}

export const serveNode: Serve = (sessions, handler) =>
  listen(
    nodeSessions(sessions, (req: IncomingMessage, res: ServerResponse) => exchanged(handler, req, res, (name) => getSession(req, name))),
  )

export const serveExpress: Serve = (sessions, handler) => {
  const app = express()
  app.set('etag', false)
  app.set('env', 'test')
  app.use(expressSessions(sessions))
  app.use(async (req, res) => {
    await handler({
      ...asked(req, req.method, req.url),
      reply: (status, headers, body) => res.status(status).set(mutable(headers)).send(body),
      stream: (status, headers, chunks) => Readable.from(chunks).pipe(res.status(status).set(mutable(headers))),
      redirect: (status, location) => res.redirect(status, location),
    })
  })
  return listen(app)
}

const mutable = (headers: FieldLines): Record<string, string | string[]> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]))

export const serveFastify: Serve = async (sessions, handler) => {
  const app = fastify()
  await app.register(fastifySessions(sessions))
  app.all('*', (request, reply) =>
    handler({
      ...asked(request, request.method, request.url),
      reply: (status, headers, body) => reply.code(status).headers(mutable(headers)).send(body),
      stream: (status, headers, chunks) => reply.code(status).headers(mutable(headers)).send(Readable.from(chunks)),
      redirect: (status, location) => reply.redirect(location, status),
    }),
  )
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { url } = await listening(app.server)
  return {
    url,
    close() {
      app.server.closeAllConnections()
      return app.close()
    },
  }
}

export const serveKoa: Serve = (sessions, handler) => {
  const app = new Koa()
  app.silent = true
  app.use(koaSessions(sessions))
  app.use(async (ctx) => {
    const head = (status: number, headers: FieldLines): void => {
      ctx.status = status
      ctx.set(mutable(headers))
    }
    await handler({
      ...asked(ctx, ctx.method, ctx.url),
      reply: (status, headers, body) => (head(status, headers), (ctx.body = [204, 304].includes(status) ? null : body)),
      stream: (status, headers, chunks) => (head(status, headers), (ctx.body = Readable.from(chunks))),
      redirect: (status, location) => (ctx.redirect(location), (ctx.status = status)),
    })
  })
  return listen(app.callback())
}

function honoApp(sessions: Parameters<Serve>[0], handler: Parameters<Serve>[1]): Hono {
  const app = new Hono()
  app.use(honoSessions(sessions))
  app.onError((error, c) => ('getResponse' in error ? (error as { getResponse(): Response }).getResponse() : c.text('sorry', 500)))
  app.all('*', async (c) => {
    const answer = await handler({
      ...asked(c, c.req.method, c.req.url),
      reply: (status, headers, body) => response(status, headers, body),
      stream: (status, headers, chunks) => response(status, headers, streamOf(chunks)),
      redirect: (status, location) => c.redirect(location, status as 302),
    })
    return answer as Response
  })
  return app
}

export const serveHono: Serve = (sessions, handler) =>
  new Promise((resolve) => {
    const server = honoServer({ fetch: honoApp(sessions, handler).fetch, port: 0, hostname: '127.0.0.1' }, () =>
      resolve(listening(server as Server)),
    )
  })

/** Hono as Bun, Deno and workerd run it: nothing of Node to be seen. */
export const serveHonoFetch: Serve = (sessions, handler) => {
  const app = honoApp(sessions, handler)
  return serveFetchHandler(async (request) => app.fetch(request))
}

export const serveFetch: Serve = (sessions, handler) =>
  serveFetchHandler(
    fetchSessions(sessions, async (request: Request) => {
      const answer = await handler({
        ...asked(request, request.method, request.url),
        reply: (status, headers, body) => response(status, headers, body),
        stream: (status, headers, chunks) => response(status, headers, streamOf(chunks)),
        redirect: (status, location) => Response.redirect(new URL(location, request.url), status),
      })
      return answer as Response
    }),
  )

/** The least that serves a fetch handler over HTTP, with no optimisation that could hide an order of events. */
function serveFetchHandler(handler: (request: Request) => Promise<Response>): ReturnType<Serve> {
  return listen(async (req, res) => {
    const headers = new Headers()
    for (let at = 0; at < req.rawHeaders.length; at += 2) headers.append(req.rawHeaders[at] ?? '', req.rawHeaders[at + 1] ?? '')
    const request = new Request(`http://${req.headers.host}${req.url}`, { method: req.method ?? 'GET', headers })
    const answer = await handler(request).catch(() => new Response('the handler threw', { status: 500 }))
    res.writeHead(
      answer.status,
      [...answer.headers]
        .filter(([name]) => name !== 'set-cookie')
        .concat(answer.headers.getSetCookie().map((line) => ['set-cookie', line]))
        .flat(),
    )
    res.flushHeaders()
    if (answer.body !== null) for await (const chunk of answer.body) res.write(chunk)
    res.end()
  })
}
