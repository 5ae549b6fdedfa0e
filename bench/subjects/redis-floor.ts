import { serveNode } from '../frameworks/node.ts'
import { sampleSession, type SessionData } from '../session.ts'
import { connectRedis } from './connect.ts'
import { cookieOf, newId } from './cookie.ts'
import type { Running, Subject } from './subject.ts'

/** `GET` to read, `GET` and `SET` to write, JSON, the id alone in the cookie. No expiry, no signature, no lost-update protection. */
async function start(url: string): Promise<Running> {
  const client = await connectRedis(url)
  const load = async (id: string): Promise<SessionData> => JSON.parse((await client.get(id)) ?? '') as SessionData
  return serveNode({
    async seed({ res }, visitor) {
      const id = newId()
      await client.set(id, JSON.stringify(sampleSession(visitor)))
      res.setHeader('set-cookie', `session=${id}; Path=/; HttpOnly; SameSite=Lax`)
    },
    read: async ({ req }) => (await load(cookieOf(req))).name,
    async write({ req }) {
      const id = cookieOf(req)
      const session = await load(id)
      session.n += 1
      await client.set(id, JSON.stringify(session))
      return session.n
    },
  })
}

export const subjects: Subject[] = [
  { name: 'floor: Redis GET and SET', on: 'node', kind: 'floor', store: 'redis', start: ({ url }) => start(url) },
]
