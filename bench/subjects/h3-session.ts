import { type H3Event, useSession } from 'h3'
import { serveH3 } from '../frameworks/h3.ts'
import { sampleSession, secret, type SessionData } from '../session.ts'
import type { Subject } from './subject.ts'

function open(event: H3Event) {
  return useSession<SessionData & Record<string, unknown>>(event, { name: 'session', password: secret, cookie: { secure: false } })
}

export const subjects: Subject[] = [
  {
    name: 'h3 useSession',
    on: 'h3',
    kind: 'peer',
    start: () =>
      serveH3({
        seed: async (event, visitor) => (await open(event)).update({ ...sampleSession(visitor) }),
        read: async (event) => (await open(event)).data.name ?? '',
        async write(event) {
          const session = await open(event)
          await session.update(({ n = 0 }) => ({ n: n + 1 }))
          return session.data.n ?? 0
        },
      }),
  },
]
