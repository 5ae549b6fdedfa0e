import type { IncomingMessage, ServerResponse } from 'node:http'
import { getSession, nodeSessions } from '../../src/adapters/node.ts'
import { applyOutgoing } from '../../src/http/outgoing.ts'
import type { Outgoing, RequestHead, Visit } from '../../src/http/types.ts'
import type { Serve } from '../../src/testing/adapter-contract.ts'
import { exchanged, listen } from './harness.ts'
import { quiet } from './scripted-visit.ts'

/** An adapter with one mistake that somebody has made, or will, and the case that must notice. */
export interface Mutant {
  readonly name: string
  /** How the name of that case begins. */
  readonly caught: string
  readonly serve: Serve
}

type Change = (
  visit: Visit,
  at: { readonly req: IncomingMessage; readonly res: ServerResponse; readonly head: RequestHead },
) => Partial<Visit>

/** The honest adapter over visits that were tampered with. */
const tampered =
  (change: Change): Serve =>
  (sessions, handler) =>
    listen((req, res) => {
      const visit = (head: RequestHead): Visit => {
        const honest = sessions.visit(head)
        const plain: Visit = {
          asked: true,
          session: (name) => honest.session(name),
          commit: (status) => honest.commit(status),
          commitAtOnce: () => null,
          unsettled: true,
          settled: () => honest.settled(),
        }
        return { ...plain, ...change(honest, { req, res, head }) }
      }
      nodeSessions({ visit }, () => exchanged(handler, req, res, (name) => getSession(req, name)))(req, res)
    })

/** The honest adapter whose commits answer something else. */
const answering = (change: (outgoing: Outgoing, res: ServerResponse, req: IncomingMessage) => Partial<Outgoing>): Serve =>
  tampered((visit, { req, res }) => ({
    commit: async (status) => {
      const outgoing = await visit.commit(status)
      return { ...outgoing, ...change(outgoing, res, req) }
    },
  }))

type End = (end: () => void, visit: Visit, res: ServerResponse) => void

/** A hand-made adapter that waits at `end` only, and does there what the mutant says. */
const endOnly =
  (leave: End): Serve =>
  (sessions, handler) =>
    listen((req, res) => {
      const visit = sessions.visit({ method: req.method ?? '', header: (name) => req.headers[name]?.toString() })
      const { end } = res
      res.end = ((chunk?: unknown) => {
        leave(() => end.call(res, chunk, 'utf8'), visit, res)
        return res
      }) as typeof end
      exchanged(handler, req, res, (name) => visit.session(name)).catch((error: { status?: number }) => {
        res.statusCode = error.status ?? 500
        res.end()
      })
    })

const putOn = (res: ServerResponse, outgoing: Outgoing): void => {
  if (res.headersSent) return
  applyOutgoing(outgoing, {
    get: (name) => res.getHeader(name)?.toString(),
    set: (name, value) => void res.setHeader(name, value),
  })
}

const redirects = (status: number): boolean => status >= 300 && status < 400

export const mutants: readonly Mutant[] = [
  {
    name: 'lets a streamed head leave before it commits',
    caught: 'H-04 the session is stored and its cookie on the head before the first byte: stream',
    serve: endOnly((end, visit, res) => void visit.commit(res.statusCode).then((outgoing) => (putOn(res, outgoing), end()))),
  },
  {
    name: 'commits when the answer has been sent',
    caught: 'H-09',
    serve: endOnly((end, visit, res) => (end(), void visit.commit(res.statusCode))),
  },
  {
    name: 'starts to commit and sends the answer meanwhile',
    caught: 'S1.1',
    serve: endOnly((end, visit, res) => (void visit.commit(res.statusCode).then((outgoing) => putOn(res, outgoing)), end())),
  },
  {
    name: 'never commits a streamed answer',
    caught: 'H-04 the session is stored and its cookie on the head before the first byte: sse',
    serve: endOnly(
      (end, visit, res) => void (res.headersSent ? end() : visit.commit(res.statusCode).then((outgoing) => (putOn(res, outgoing), end()))),
    ),
  },
  {
    name: "overwrites the application's Set-Cookie",
    caught: "H-03 the application's own Set-Cookie stays beside ours: several lines",
    serve: endOnly(
      (end, visit, res) =>
        void visit.commit(res.statusCode).then(({ setCookies }) => {
          if (setCookies.length > 0) res.setHeader('Set-Cookie', setCookies)
          end()
        }),
    ),
  },
  {
    name: 'merges Set-Cookie lines with commas',
    caught: "H-03 the application's own Set-Cookie stays beside ours: several lines",
    serve: endOnly(
      (end, visit, res) =>
        void visit.commit(res.statusCode).then(({ setCookies }) => {
          const all = [res.getHeader('set-cookie') ?? [], setCookies].flat(2)
          if (all.length > 0) res.setHeader('Set-Cookie', all.join(', '))
          end()
        }),
    ),
  },
  {
    name: 'keeps only the first of several named cookies',
    caught: 'S3.1',
    serve: answering(({ setCookies }) => ({ setCookies: setCookies.slice(0, 1) })),
  },
  { name: 'ignores the name of a session', caught: 'S3.1', serve: tampered((visit) => ({ session: () => visit.session() })) },
  { name: 'ignores the status', caught: 'S3.10 an answer of 500', serve: tampered((visit) => ({ commit: () => visit.commit(200) })) },
  {
    name: 'drops the edits of every error, 404 too',
    caught: 'S3.10 an answer of 404',
    serve: tampered((visit) => ({ commit: (status = 200) => visit.commit(status >= 400 ? 500 : status) })),
  },
  {
    name: 'commits before the handler may throw',
    caught: 'S3.10 a handler that throws',
    serve: tampered((visit) => {
      queueMicrotask(() => setTimeout(() => void visit.commit(200), 0))
      return { commit: (status) => new Promise((done) => setTimeout(() => done(visit.commit(status)), 20)) }
    }),
  },
  {
    name: 'commits a second time, on a visit of its own',
    caught: 'S2.2',
    serve: (sessions, handler) =>
      tampered((visit, { head }) => {
        const second = sessions.visit(head)
        return {
          async commit(status) {
            const session = await second.session()
            session.set('second', status)
            await second.commit(status)
            return visit.commit(status)
          },
        }
      })(sessions, handler),
  },
  {
    name: 'swallows a failed commit',
    caught: 'F-03',
    serve: tampered((visit) => ({ commit: (status) => visit.commit(status).catch(() => quiet) })),
  },
  {
    name: 'answers an empty session when the store is away',
    caught: 'F-02',
    serve: (sessions, handler) =>
      tampered((visit) => ({
        session: <Data extends object>(name?: string) =>
          visit.session<Data>(name).catch(() => sessions.visit({ method: 'GET', header: () => undefined }).session<Data>(name)),
      }))(sessions, handler),
  },
  {
    name: 'forgets the cookie of a client whose store failed',
    caught: 'F-02',
    serve: answering((_outgoing, res) => (res.statusCode === 503 ? { setCookies: ['session=; Path=/; Max-Age=0'] } : {})),
  },
  {
    name: 'gives every request of a connection the same visit',
    caught: 'R-08',
    serve: (sessions, handler) => {
      const visits = new WeakMap<object, Visit>()
      return tampered((visit, { req }) => {
        const shared = visits.get(req.socket) ?? visit
        visits.set(req.socket, shared)
        return { session: (name) => shared.session(name), commit: (status) => shared.commit(status), settled: () => shared.settled() }
      })(sessions, handler)
    },
  },
  {
    name: 'opens the session of every request',
    caught: 'D-05',
    serve: (sessions, handler) =>
      listen((req, res) => {
        nodeSessions(sessions, async () => {
          await getSession(req)
          await exchanged(handler, req, res, (name) => getSession(req, name))
        })(req, res)
      }),
  },
  {
    name: 'sends the cookie it was sent',
    caught: 'S1.1',
    serve: answering(({ setCookies }, _res, { headers }) =>
      setCookies.length > 0 || headers.cookie === undefined ? {} : { setCookies: [`${headers.cookie}; Path=/; HttpOnly`] },
    ),
  },
  {
    name: 'sets a cookie for a session nobody wrote to',
    caught: 'S4.6',
    serve: answering(({ setCookies }) => (setCookies.length > 0 ? {} : { setCookies: ['session=empty; Path=/'] })),
  },
  { name: 'says nothing to caches about Cookie', caught: 'S4.6', serve: answering(() => ({ vary: null })) },
  {
    name: 'leaves an answer with a cookie to shared caches',
    caught: 'H-05',
    serve: endOnly(
      (end, visit, res) =>
        void visit.commit(res.statusCode).then(({ setCookies }) => {
          if (setCookies.length > 0) res.setHeader('Set-Cookie', setCookies)
          end()
        }),
    ),
  },
  {
    name: "replaces the application's Vary",
    caught: 'H-06',
    serve: endOnly(
      (end, visit, res) =>
        void visit.commit(res.statusCode).then(({ vary }) => {
          if (vary !== null) res.setHeader('Vary', vary)
          end()
        }),
    ),
  },
  {
    name: 'loses the cookie on a redirect',
    caught: 'H-04 the session is stored and its cookie on the head before the first byte: redirect',
    serve: answering((_outgoing, res) => (redirects(res.statusCode) ? { setCookies: [] } : {})),
  },
  {
    name: 'loses the cookie on the redirect that answers a POST',
    caught: 'H-11',
    serve: answering((_outgoing, res, req) => (req.method === 'POST' && redirects(res.statusCode) ? { setCookies: [] } : {})),
  },
  {
    name: 'loses the cookie on HEAD',
    caught: 'H-04 the session is stored and its cookie on the head before the first byte: HEAD',
    serve: answering((_outgoing, _res, req) => (req.method === 'HEAD' ? { setCookies: [] } : {})),
  },
  {
    name: 'loses the cookie on 204',
    caught: 'H-04 the session is stored and its cookie on the head before the first byte: 204',
    serve: answering((_outgoing, res) => (res.statusCode === 204 ? { setCookies: [] } : {})),
  },
  {
    name: 'lets the body end before late edits are stored',
    caught: 'H-04 an edit made while the body streams',
    serve: tampered(() => ({ settled: () => Promise.resolve() })),
  },
  {
    name: 'lets a late edit create a session, on a visit of its own',
    caught: 'H-04 what needs a cookie after the head has left throws headers_sent, and leaves no row: set',
    serve: (sessions, handler) =>
      tampered((visit, { head }) => {
        const late = sessions.visit(head)
        return {
          session: (name) => late.session(name),
          commit: () => visit.commit(200),
          settled: async () => void (await late.commit(200)),
        }
      })(sessions, handler),
  },
  {
    name: 'does not commit when the client has left',
    caught: 'H-08 a client that leaves before the answer',
    serve: tampered((visit, { res }) => ({ commit: async (status) => (res.destroyed ? quiet : visit.commit(status)) })),
  },
  {
    name: 'commits again when the client leaves',
    caught: 'H-08 a client that leaves in the middle',
    serve: (sessions, handler) =>
      tampered((_visit, { head, res }) => {
        res.on('close', () => {
          const again = sessions.visit(head)
          void again.session().then((session) => (session.set('n', 1), again.commit(200)))
        })
        return {}
      })(sessions, handler),
  },
  {
    name: 'takes every request for a GET',
    caught: 'X-01',
    serve: (sessions, handler) =>
      tampered((_visit, { head }) => {
        const safe = sessions.visit({ method: 'GET', header: (name) => head.header(name) })
        return { session: (name) => safe.session(name), commit: (status) => safe.commit(status), settled: () => safe.settled() }
      })(sessions, handler),
  },
  {
    name: 'answers 500 whatever the error',
    caught: 'X-01',
    serve: tampered((visit) => ({
      async session(name) {
        try {
          return await visit.session(name)
        } catch (error) {
          throw new Error('something went wrong', { cause: error })
        }
      },
    })),
  },
  {
    name: 'knows only 500 for an error',
    caught: 'S4.7',
    serve: endOnly((end, visit, res) => {
      if (res.statusCode >= 400) res.statusCode = 500
      void visit.commit(res.statusCode).then((outgoing) => (putOn(res, outgoing), end()))
    }),
  },
  {
    name: 'keeps the cookie of a destroyed session',
    caught: 'S1.8',
    serve: answering(({ outcome }) => (outcome === 'erased' ? { setCookies: [] } : {})),
  },
  {
    name: 'opens a session for each time it is asked',
    caught: 'S4.11',
    serve: (sessions, handler) =>
      tampered((_visit, { head }) => ({ session: (name) => sessions.visit(head).session(name) }))(sessions, handler),
  },
]
