import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { type NodeContext, serveNode } from '../frameworks/node.ts'
import { sampleSession, type SessionData } from '../session.ts'
import { cookieOf, newId } from './cookie.ts'
import { bareHandlers, type Subject } from './subject.ts'

export const subjects: Subject[] = [
  {
    name: 'floor: a cookie nobody reads',
    on: 'node',
    kind: 'floor',
    sessionless: true,
    start: () => serveNode({ ...bareHandlers(), seed: ({ res }) => res.setHeader('set-cookie', `session=${newId()}`) }),
  },
  { name: 'floor: Map', on: 'node', kind: 'floor', start: startMap },
  { name: 'floor: AES-256-GCM cookie', on: 'node', kind: 'floor', start: startSealed },
]

/** Session texts on a Map, the id alone in the cookie. No expiry, no signature, no lost-update protection. */
function startMap(): ReturnType<typeof serveNode> {
  const texts = new Map<string, string>()
  return serveNode({
    seed({ res }, visitor) {
      const id = newId()
      texts.set(id, JSON.stringify(sampleSession(visitor)))
      res.setHeader('set-cookie', `session=${id}; Path=/; HttpOnly; SameSite=Lax`)
    },
    read: ({ req }) => parse(texts.get(cookieOf(req)) ?? '').name,
    write({ req }) {
      const id = cookieOf(req)
      const session = parse(texts.get(id) ?? '')
      session.n += 1
      texts.set(id, JSON.stringify(session))
      return session.n
    },
  })
}

/** The whole session, sealed, in the cookie. */
function startSealed(): ReturnType<typeof serveNode> {
  const key = createSecretKey(randomBytes(32))
  const send = ({ res }: NodeContext, session: SessionData): void => {
    res.setHeader('set-cookie', `session=${seal(key, JSON.stringify(session))}; Path=/; HttpOnly; SameSite=Lax`)
  }
  return serveNode({
    seed: (context, visitor) => send(context, sampleSession(visitor)),
    read: ({ req }) => parse(unseal(key, cookieOf(req))).name,
    write(context) {
      const session = parse(unseal(key, cookieOf(context.req)))
      session.n += 1
      send(context, session)
      return session.n
    },
  })
}

/** `iv · tag · ciphertext`, base64url. */
function seal(key: KeyObject, text: string): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')
}

function unseal(key: KeyObject, value: string): string {
  const bytes = Buffer.from(value, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
  decipher.setAuthTag(bytes.subarray(12, 28))
  return decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8')
}

function parse(text: string): SessionData {
  return JSON.parse(text) as SessionData
}
