/**
 * PHP's own sessions:
 *
 *   cookie   PHPSESSID=<id>   22 to 256 of A-Za-z0-9,- which nothing proves
 *   files    <session.save_path>/sess_<id>
 *   redis    PHPREDIS_SESSION:<id>
 *   bytes    php/handlers.ts
 */
import type { MoveIn, OldTicket } from '../http/move-in.ts'
import { allInFiles, allInRedis } from './common/all-sessions.ts'
import { byteStore, type ByteStore } from './common/byte-store.ts'
import { decodedCookie, firstCookie } from './common/cookie-value.ts'
import { idTest } from './common/ids.ts'
import { invalid, moveInOptionNames, readerOf, readerOptions, type MoveInOptions } from './common/reader.ts'
import { secondsOf } from './common/secret-bytes.ts'
import { SessionFiles } from './common/session-files.ts'
import type { AllSessions } from './express-session/stores.ts'
import { walkOf, type LoadStored } from './express-session/walk.ts'
import { decoded, isHandler, type SerializeHandler } from './php/handlers.ts'
import type { IsData } from './php/unserialize.ts'

export type { ByteStore } from './common/byte-store.ts'
export type { Mapped } from './common/reader.ts'
export type { SerializeHandler } from './php/handlers.ts'

/** How the old application writes its sessions. */
export interface PhpFormat {
  /** `session.serialize_handler`. Default `php`. */
  readonly serializeHandler?: SerializeHandler
  /**
   * Classes whose objects become plain data, with all their properties; beside `stdClass`, `DateTime` and `DateTimeImmutable`. A session
   * with an object of another class is not taken over. `'all'`: whatever class.
   */
  readonly classes?: readonly string[] | 'all'
}

export interface PhpOptions extends MoveInOptions, PhpFormat {
  /** The cookie is not signed, so that its id alone opens the session. */
  readonly allowUnsignedIds: true
  /** `session.save_path` of `session.save_handler = files`. */
  readonly folder?: string
  /** For other handlers, instead of `folder`: a client of Redis or memcached. */
  readonly store?: ByteStore
  /** With `store`: what stands before each id. Default `PHPREDIS_SESSION:`; for memcached it is `memcached.sess_prefix`, `memc.sess.`. */
  readonly prefix?: string
  /** `session.gc_maxlifetime`, in seconds. Default 1,440. */
  readonly maxLifetime?: number
  /** What a session id looks like, all of it; nothing else reaches the store. Default `/[A-Za-z0-9,-]{22,256}/`. */
  readonly id?: RegExp
}

interface PhpStore {
  /** `modifiedMs`: `null` where that cannot be known. */
  read(id: string): Promise<{ readonly bytes: Uint8Array; readonly modifiedMs: number | null } | null>
  end(id: string): Promise<void>
  readonly all?: AllSessions | undefined
}

const formatNames = ['serializeHandler', 'classes'] as const
const storeNames = ['allowUnsignedIds', 'folder', 'store', 'prefix', 'maxLifetime', 'id'] as const
const harmless = ['stdClass', 'DateTime', 'DateTimeImmutable']

/**
 * Takes over the sessions of PHP, each once, from the cookie `PHPSESSID` or the one `cookieName` says. All of `$_SESSION` comes along: arrays
 * whose keys count from 0 as arrays, all others and objects as objects, strings that are no UTF-8 as `Uint8Array`. Nobody is signed in unless
 * `map` says who. Throws `config_invalid`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { fromPhp } from 'coatcheck/migrate/php'
 * const old = fromPhp({
 *   folder: '/var/lib/php/sessions',
 *   allowUnsignedIds: true,
 *   map: ({ user_id, ...values }) => ({ values, user: user_id === undefined ? null : String(user_id) }),
 *   sunset: '2099-12-31',
 * })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store: memoryStore(), moveIn: [old] })
 * await sessions.close()
 * ```
 */
export function fromPhp(options: PhpOptions): MoveIn {
  const own = readerOptions('fromPhp', options, [...moveInOptionNames, ...formatNames, ...storeNames])
  const { serializeHandler, isData } = formatOf('fromPhp', own)
  const isId = idTest('fromPhp', own.id ?? /[A-Za-z0-9,-]{22,256}/)
  const lifeMs = secondsOf('fromPhp', 'maxLifetime', own.maxLifetime ?? 1_440) * 1_000
  const store = storeOf(own, isId)

  const load: LoadStored = async (id, nowMs, because, endsAt) => {
    const stored = await store.read(id)
    const expiresAt = Math.floor((stored?.modifiedMs ?? nowMs) + lifeMs)
    // PHP makes an empty file first.
    if (stored === null || stored.bytes.length === 0 || expiresAt <= nowMs) return null
    const values = decoded(stored.bytes, serializeHandler, isData)
    if (values === null) {
      because?.('unreadable')
      return null
    }
    // With keepOld the old application goes on renewing it.
    return { values, expiresAt: own.keepOld === true ? null : (endsAt ?? expiresAt), end: () => store.end(id) }
  }

  return readerOf('fromPhp', own, {
    system: 'php',
    cookieName: 'PHPSESSID',
    verify(cookies, name, nowMs): OldTicket | null {
      const id = decodedCookie(firstCookie(cookies, name))
      return id !== null && isId(id) ? { identity: id, load: (because) => load(id, nowMs, because) } : null
    },
    ...walkOf(store, isId, load),
  })
}

/**
 * The values in the bytes of one stored session (a file `sess_…`), or `null` for bytes PHP has not written, for an object whose class is
 * not allowed, and for more than 1 MiB, 200 levels or a reference to itself. Never throws for bytes, whatever they are.
 *
 * @example
 * ```ts
 * import { readPhpSession } from 'coatcheck/migrate/php'
 * console.log(readPhpSession(Buffer.from('user_id|i:42;cart|a:1:{i:0;s:3:"hat";}'))) // { user_id: 42, cart: ['hat'] }
 * ```
 */
export function readPhpSession(bytes: Uint8Array, options: PhpFormat = {}): Record<string, unknown> | null {
  const { serializeHandler, isData } = formatOf('readPhpSession', readerOptions('readPhpSession', options, formatNames))
  return bytes instanceof Uint8Array ? decoded(bytes, serializeHandler, isData) : null
}

function formatOf(
  reader: string,
  { serializeHandler = 'php', classes = [] }: PhpFormat,
): { serializeHandler: SerializeHandler; isData: IsData } {
  if (!isHandler(serializeHandler))
    throw invalid(`${reader}: serializeHandler is 'php', 'php_serialize' or 'php_binary', as session.serialize_handler says`)
  if (classes === 'all') return { serializeHandler, isData: () => true }
  if (!Array.isArray(classes) || !classes.every((one) => typeof one === 'string'))
    throw invalid(`${reader}: classes are names of classes, such as ['App\\\\Cart'], or 'all'`)
  const names = new Set<string>([...harmless, ...(classes as readonly string[])])
  return { serializeHandler, isData: (name) => names.has(name) }
}

function storeOf({ allowUnsignedIds, folder, store, prefix }: PhpOptions, isId: (text: string) => boolean): PhpStore {
  const wrong =
    allowUnsignedIds !== true
      ? 'the cookies of PHP are not signed; write allowUnsignedIds: true to take them all the same'
      : (folder === undefined) === (store === undefined)
        ? 'say where the sessions are: folder, which is session.save_path, or store, a client of Redis or memcached'
        : folder !== undefined && (typeof folder !== 'string' || folder === '')
          ? 'folder is a path, session.save_path'
          : prefix !== undefined && (store === undefined || typeof prefix !== 'string')
            ? 'prefix is what stands before the ids in a store; it goes with one'
            : null
  if (wrong !== null) throw invalid(`fromPhp: ${wrong}`)
  if (store === undefined) {
    const files = new SessionFiles(String(folder), 'sess_', isId)
    return { read: (id) => files.read(id), end: (id) => files.end(id), all: allInFiles(files) }
  }
  const stored = byteStore('fromPhp', 'store', store)
  const before = prefix ?? 'PHPREDIS_SESSION:'
  const keyOf = (id: string): string => before + id
  return {
    async read(id) {
      const bytes = await stored.read(keyOf(id))
      return bytes === null ? null : { bytes, modifiedMs: null }
    },
    end: (id) => stored.end(keyOf(id)),
    all: allInRedis(stored.keys(before)),
  }
}
