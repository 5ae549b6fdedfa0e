/**
 * A store by its address, so that a setting says where sessions are kept:
 *
 *   memory:                                     sqlite:sessions.db  sqlite:/var/lib/app/sessions.db
 *   redis://host:6379/0      rediss://…         redis-cluster://host:7000,host:7001
 *   memcached://host,host    memcacheds://…     postgres://user:password@host/database
 *   mysql://user:password@host/database         datastore://project          firestore://project
 *   dynamodb://region/table?endpoint=…          mongodb://host/database      nats://host/bucket
 *   etcd://host:2379,host:2379                  tiered:<cache>+<durable>     mirrored:<from>+<to>
 *
 * Clients are the packages that the application has installed; they are looked for when their address is given.
 */
import type { SessionStore } from '../core/types.ts'
import { invalid } from './common/options.ts'
import { type Opener, openers } from './url/openers.ts'

export interface StoreFromUrlOptions {
  /** Make or upgrade tables where the store has some. Default `true`. */
  readonly migrate?: boolean
}

/**
 * Opens the store at an address, with a client of its own that `close()` closes.
 *
 * Throws `config_invalid` for an address it does not know, or when the client's package is not installed, and says what to type.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { storeFromUrl } from 'coatcheck/url'
 *
 * const store = await storeFromUrl(process.env['SESSION_STORE'] ?? 'memory:')
 * const sessions = createSessions({ secret: crypto.randomUUID(), store })
 * await sessions.ready()
 * await sessions.close()
 * ```
 */
export async function storeFromUrl(url: string, options: StoreFromUrlOptions = {}): Promise<SessionStore> {
  const [scheme = ''] = /^[a-z+-]+(?=:)/.exec(url) ?? []
  const open = Object.hasOwn(openers, scheme) ? (openers[scheme] as Opener) : undefined
  // What has no scheme is not quoted: it may hold a password.
  if (open === undefined)
    throw invalid(`there is no store at ${scheme ? `"${scheme}:"` : 'this address'}; begin it with ${Object.keys(openers).join(': ')}:`)
  return open(url, { migrate: options.migrate ?? true, open: (inner) => storeFromUrl(inner, options) })
}
