import { getIronSession, type IronSession } from 'iron-session'
import { type NodeContext, serveNode } from '../frameworks/node.ts'
import { sampleSession, secret, type SessionData } from '../session.ts'
import type { Subject } from './subject.ts'

function open({ req, res }: NodeContext): Promise<IronSession<SessionData>> {
  return getIronSession<SessionData>(req, res, { cookieName: 'session', password: secret, cookieOptions: { secure: false } })
}

export const subjects: Subject[] = [
  {
    name: 'iron-session',
    on: 'node',
    kind: 'peer',
    start: () =>
      serveNode({
        async seed(context, visitor) {
          const session = await open(context)
          Object.assign(session, sampleSession(visitor))
          await session.save()
        },
        read: async (context) => (await open(context)).name ?? '',
        async write(context) {
          const session = await open(context)
          session.n = (session.n ?? 0) + 1
          await session.save()
          return session.n
        },
      }),
  },
]
