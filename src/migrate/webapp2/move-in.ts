import { hash } from 'node:crypto'
import type { MoveIn, OldTicket } from '../../http/move-in.ts'
import { moveInOptionNames, readerOf, readerOptions, type MoveInOptions } from '../common/reader.ts'
import type { OldSessions } from '../express-session/stores.ts'
import { walkOf, type LoadStored } from '../express-session/walk.ts'
import type { Webapp2Backend } from './backend.ts'
import { openValue } from './cookie.ts'
import { unquoted } from './header.ts'
import { signedCookie, type Webapp2SecretKey } from './options.ts'
import { sidIn } from './sessions.ts'

export interface Webapp2MoveInOptions extends MoveInOptions {
  readonly secretKey: Webapp2SecretKey
  /** webapp2's `session_max_age`, in seconds. Default: no limit, as in webapp2. */
  readonly maxAge?: number | null
  /** Where the Python application keeps sessions, `webapp2Memcache(…)` or `webapp2Datastore(…)`. Default: in the cookie itself. */
  readonly backend?: Webapp2Backend
}

/**
 * Takes over the sessions of a webapp2 application, each once, from the cookie `session` or the one `cookieName` says. Throws
 * `config_invalid`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { fromWebapp2 } from 'coatcheck/migrate/webapp2'
 * const sessions = createSessions({
 *   secret: crypto.randomUUID(),
 *   store: memoryStore(),
 *   moveIn: [fromWebapp2({ secretKey: 'my-super-secret-key', sunset: '2099-12-31' })],
 * })
 * await sessions.close()
 * ```
 */
export function fromWebapp2(options: Webapp2MoveInOptions): MoveIn {
  const own = readerOptions('fromWebapp2', options, [...moveInOptionNames, 'secretKey', 'maxAge', 'backend'])
  const { secretKey, maxAge = null, backend, cookieName: name = 'session' } = own
  const settings = signedCookie('fromWebapp2', { secretKey, name, maxAge })
  const load: LoadStored = async (sid, nowMs, because, expiresAt = null) => {
    const values = expiresAt !== null && expiresAt <= nowMs ? null : ((await backend?.read(sid, nowMs)) ?? null)
    if (typeof values === 'string') because?.('unreadable')
    return values === null || typeof values === 'string' ? null : { values, expiresAt, end: async () => backend?.delete(sid) }
  }

  return readerOf('fromWebapp2', own, {
    system: 'webapp2',
    cookieName: 'session',
    verify(cookies, cookieName, nowMs): OldTicket | null {
      const value = unquoted(cookies.all(cookieName).at(-1) ?? '')
      const cookie = value === null ? null : openValue(value, settings, Math.floor(nowMs / 1000))
      if (cookie === null) return null
      const expiresAt = maxAge === null ? null : (cookie.writtenAt + maxAge) * 1000
      // A cookie that holds its session is named by its signature, which covers all of it; quoted or not it is the same.
      if (backend === undefined)
        return { identity: hash('sha256', cookie.signature, 'hex'), load: () => ({ values: cookie.values, expiresAt }) }
      const sid = sidIn(cookie.values)
      return sid === null ? null : { identity: sid, load: (because) => load(sid, nowMs, because, expiresAt) }
    },
    ...(backend === undefined ? {} : walkOf(storedIn(backend, maxAge), (sid) => sidIn({ _sid: sid }) !== null, load)),
  })
}

/** All sessions of a backend that can name them. A cookie was written when its session was last, and ends `maxAge` after that. */
function storedIn(backend: Webapp2Backend, maxAge: number | null): Pick<OldSessions, 'all'> {
  const { page } = backend
  if (page === undefined) return {}
  return {
    all: {
      async page(from, limit) {
        const { found, cursor } = await page.call(backend, from, limit)
        const endOf = (writtenAt: number | null): number | null =>
          maxAge === null || writtenAt === null ? null : writtenAt + maxAge * 1000
        return { found: found.map(({ sid, writtenAt }) => ({ id: sid, endsAt: endOf(writtenAt) })), cursor }
      },
    },
  }
}
