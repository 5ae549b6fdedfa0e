/**
 * Django's sessions, wherever `SESSION_ENGINE` keeps them:
 *
 *   cookie   sessionid=<payload>:<time>:<signature>   signed_cookies: django/signing.ts
 *   cookie   sessionid=<session_key>                  32 of a-z0-9, which nothing proves; all others: django/stored.ts
 */
import { hash } from 'node:crypto'
import type { MoveIn, OldTicket } from '../http/move-in.ts'
import { byteStore, type ByteStore } from './common/byte-store.ts'
import { cookieText } from './common/cookie-value.ts'
import { invalid, moveInOptionNames, readerOf, readerOptions, type Mapped, type MoveInOptions } from './common/reader.ts'
import { secondsOf, secretBytesOf, type SecretBytes } from './common/secret-bytes.ts'
import { SessionFiles } from './common/session-files.ts'
import { sqlRunner, type SqlDatabase } from './common/sql-database.ts'
import { cookieSalt, storedUnsigner, unsigner, type Signed, type Signing, type Unsign, type Values } from './django/signing.ts'
import { cachedDatabase, inCache, inDatabase, inFiles, type DjangoStore } from './django/stored.ts'
import { walkOf, type LoadStored } from './express-session/walk.ts'

export type { ByteStore } from './common/byte-store.ts'
export type { Mapped } from './common/reader.ts'
export type { SecretBytes } from './common/secret-bytes.ts'
export type { MysqlDatabase, PgDatabase, SqlDatabase, SqliteDatabase } from './common/sql-database.ts'

/** How the old application signs. */
export interface DjangoSigning {
  /** `SECRET_KEY`; with `SECRET_KEY_FALLBACKS` an array, newest first. Only `cache` alone goes without it. */
  readonly secretKey?: SecretBytes
  /** `SESSION_COOKIE_AGE`, in seconds. Default two weeks. */
  readonly cookieAge?: number
  /** `SESSION_SERIALIZER`: `pickle` for `PickleSerializer`, of which plain data alone are read. Default `json`. */
  readonly serializer?: 'json' | 'pickle'
  /** Read also what Django before 3.1 signed, and 3.1 with `DEFAULT_HASHING_ALGORITHM = 'sha1'`. Default `false`. */
  readonly legacy?: boolean
}

export interface DjangoOptions extends MoveInOptions, DjangoSigning {
  /** For `…backends.db` and `…backends.cached_db`: a pool of pg, a pool of mysql2/promise, or a database of node:sqlite. */
  readonly database?: SqlDatabase
  /** With `database`: the table, or `schema.table`. Default `django_session`. */
  readonly table?: string
  /** For `…backends.cache`, and with `database` for `…backends.cached_db`: a client of Redis or memcached. */
  readonly cache?: ByteStore
  /** With `cache`: its `KEY_PREFIX`. Default none. */
  readonly cachePrefix?: string
  /** With `cache`: its `VERSION`. Default 1. */
  readonly cacheVersion?: number
  /** For `…backends.file`: `SESSION_FILE_PATH`. */
  readonly folder?: string
  /** With any of these: the cookie is not signed, so that its id alone opens the session. */
  readonly allowUnsignedIds?: true
}

const signingNames = ['secretKey', 'cookieAge', 'serializer', 'legacy'] as const
const storeNames = ['database', 'table', 'cache', 'cachePrefix', 'cacheVersion', 'folder', 'allowUnsignedIds'] as const
const defaultName = 'sessionid'
const defaultAge = 14 * 86_400
const aheadMsMax = 60_000
const isKey = (text: string): boolean => /^[a-z0-9]{32}$/.test(text)

/**
 * Takes over the sessions of Django, each once, from the cookie `sessionid` or the one `cookieName` says: out of the cookie
 * (`…backends.signed_cookies`), or from wherever `database`, `cache` or `folder` say. All values come along; nobody is signed in unless
 * `map` says who: with `django.contrib.auth` write `map: djangoUser`. Throws `config_invalid`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { djangoUser, fromDjango } from 'coatcheck/migrate/django'
 * const pool = { query: async () => ({ rows: [] }) } // yours is new Pool() of pg
 * const old = fromDjango({
 *   secretKey: 'the SECRET_KEY of the old application',
 *   database: pool,
 *   allowUnsignedIds: true,
 *   map: djangoUser,
 *   sunset: '2099-12-31',
 * })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store: memoryStore(), moveIn: [old] })
 * await sessions.close()
 * ```
 */
export function fromDjango(options: DjangoOptions): MoveIn {
  const own = readerOptions('fromDjango', options, [...moveInOptionNames, ...signingNames, ...storeNames])
  const ageMs = secondsOf('fromDjango', 'cookieAge', own.cookieAge ?? defaultAge) * 1_000
  const store = storeOf(own, ageMs)
  if (store !== null) return fromStore(own, store)
  const unsign = unsigner(signingOf('fromDjango', own), cookieSalt)
  return readerOf('fromDjango', own, {
    system: 'django',
    cookieName: defaultName,
    verify(cookies, name, nowMs): OldTicket | null {
      // Of two cookies Django takes the last.
      const opened = inTime(unsign, cookieText(cookies.all(name).at(-1)), ageMs, nowMs)
      if (opened === null) return null
      const { values, signedAtMs, text } = opened
      return { identity: hash('sha256', text, 'hex'), load: () => ({ values, expiresAt: signedAtMs + ageMs }) }
    },
  })
}

/**
 * The values in a cookie of Django's `signed_cookies`, or `null`. Never throws for a value, whatever it is. `now` is in unix milliseconds.
 *
 * @example
 * ```ts
 * import { readDjangoCookie } from 'coatcheck/migrate/django'
 * const value = 'eyJmb28iOiJiYXIifQ:1r31eq:T8QEJfDGKxNLmnuRAOQDW39oNTsImUgOe3wtWQcJNs4'
 * const secretKey = 'django-insecure-fixture-key-0123456789abcdefghijklmnopqrstuv'
 * console.log(readDjangoCookie(value, { secretKey, now: 1_700_000_001_000 })) // { foo: 'bar' }
 * ```
 */
export function readDjangoCookie(
  cookieValue: string | null | undefined,
  options: DjangoSigning & { readonly now?: number },
): Values | null {
  const own = readerOptions('readDjangoCookie', options, [...signingNames, 'now'])
  const ageMs = secondsOf('readDjangoCookie', 'cookieAge', own.cookieAge ?? defaultAge) * 1_000
  const unsign = unsigner(signingOf('readDjangoCookie', own), cookieSalt)
  return inTime(unsign, cookieText(cookieValue), ageMs, own.now ?? Date.now())?.values ?? null
}

/**
 * A `map` for `django.contrib.auth`: `_auth_user_id` becomes the session's user, and `_auth_user_backend` and `_auth_user_hash` go.
 * Not the default, because Django compares `_auth_user_hash` at every request, so that a new password ends all sessions before it. Where
 * that matters, write a `map` that asks the user's table.
 *
 * @example
 * ```ts
 * import { djangoUser } from 'coatcheck/migrate/django'
 * console.log(djangoUser({ _auth_user_id: '42', _auth_user_hash: 'ab', cart: ['hat'] })) // { values: { cart: ['hat'] }, user: '42' }
 * ```
 */
export function djangoUser(values: Readonly<Record<string, unknown>>): Mapped {
  const { _auth_user_id: user, _auth_user_backend, _auth_user_hash, ...others } = values
  // Old versions keep the number.
  const isUser = (typeof user === 'string' && user !== '') || Number.isSafeInteger(user)
  return isUser ? { values: others, user: String(user) } : { values, user: null }
}

function fromStore(own: DjangoOptions, store: DjangoStore): MoveIn {
  const load: LoadStored = async (key, nowMs, because, endsAt) => {
    const found = await store.read(key, nowMs, because)
    if (found === null) return null
    // With keepOld the old application goes on renewing it.
    return { ...found, expiresAt: own.keepOld === true ? null : (endsAt ?? found.expiresAt), end: () => store.end(key) }
  }

  return readerOf('fromDjango', own, {
    system: 'django',
    cookieName: defaultName,
    verify(cookies, name, nowMs): OldTicket | null {
      const key = cookies.all(name).at(-1) ?? ''
      return isKey(key) ? { identity: key, load: (because) => load(key, nowMs, because) } : null
    },
    ...walkOf(store, isKey, load),
  })
}

function storeOf(own: DjangoOptions, ageMs: number): DjangoStore | null {
  const { database, table = 'django_session', cache, cachePrefix = '', cacheVersion = 1, folder, allowUnsignedIds, cookieName } = own
  const stored = database !== undefined || cache !== undefined || folder !== undefined
  const wrong =
    folder !== undefined && (database !== undefined || cache !== undefined || typeof folder !== 'string' || folder === '')
      ? 'folder is SESSION_FILE_PATH; it goes without database and cache'
      : (own.table !== undefined && database === undefined) || !/^\w+(\.\w+)?$/.test(String(table))
        ? "table is the table of a database; write 'django_session' or 'schema.django_session'"
        : (cache === undefined && (own.cachePrefix !== undefined || own.cacheVersion !== undefined)) ||
            typeof cachePrefix !== 'string' ||
            !Number.isSafeInteger(cacheVersion)
          ? 'cachePrefix is the KEY_PREFIX and cacheVersion the VERSION of a cache; they go with one'
          : stored && allowUnsignedIds !== true
            ? 'the cookie of this SESSION_ENGINE is an id and not signed; write allowUnsignedIds: true to take it all the same'
            : !stored && allowUnsignedIds !== undefined
              ? 'a signed cookie needs no allowUnsignedIds; leave it out, or say where the sessions are with database, cache or folder'
              : null
  if (wrong !== null) throw invalid(`fromDjango: ${wrong}`)
  if (!stored) return null
  const keyOf = (backend: string): string => `${cachePrefix}:${cacheVersion}:django.contrib.sessions.${backend}`
  const cached = cache === undefined ? null : byteStore('fromDjango', 'cache', cache)
  if (database === undefined && cached !== null) return inCache(cached, keyOf('cache'), ageMs)
  const open = storedUnsigner(signingOf('fromDjango', own))
  if (database === undefined) return inFiles(new SessionFiles(String(folder), cookieName ?? defaultName, isKey), ageMs, open)
  const rows = inDatabase(sqlRunner('fromDjango', 'database', database), table, open)
  return cached === null ? rows : cachedDatabase(inCache(cached, keyOf('cached_db'), ageMs), rows)
}

function signingOf(reader: string, { secretKey, serializer = 'json', legacy = false }: DjangoSigning): Signing {
  if ((serializer !== 'json' && serializer !== 'pickle') || typeof legacy !== 'boolean')
    throw invalid(`${reader}: serializer is 'json' or 'pickle', legacy true or false`)
  return { secrets: secretBytesOf(reader, 'secretKey', secretKey), serializer, legacy }
}

/** A time ahead of ours is none Django refuses, but it would make a session that never ends. */
function inTime(unsign: Unsign, value: string | null, ageMs: number, nowMs: number): Signed | null {
  const signed = value === null ? null : unsign(value)
  if (signed === null || nowMs - signed.signedAtMs > ageMs || signed.signedAtMs - nowMs > aheadMsMax) return null
  return signed
}
