/**
 * React Router and Remix, `createCookieSessionStorage` and `createSessionStorage`:
 *
 *   cookie   __session=<payload>.<signature>   percent-encoded; the signature as in common/signed-text.ts; the name is not signed
 *   payload  base64 of JSON in UTF-8: the values, or with createSessionStorage the session's id
 *
 * A cookie with values has no time in it, no id and nothing random: it is good for ever, and two visitors with the same data have the
 * same one.
 */
import type { MoveIn, OldSession, OldTicket } from '../http/move-in.ts'
import { decodedCookie, firstCookie } from './common/cookie-value.ts'
import { checkProof, idTest } from './common/ids.ts'
import { jsonValues, membersOf } from './common/json-values.ts'
import { dataIdentity } from './common/keygrip.ts'
import { invalid, moveInOptionNames, readerOf, readerOptions, secretsOf, type MoveInOptions } from './common/reader.ts'
import { signedText } from './common/signed-text.ts'

/** What was passed to `createSessionStorage`, as much of it as is needed. */
export interface ReactRouterStorage {
  readData(id: string): Promise<object | null>
  deleteData?(id: string): Promise<unknown>
}

export interface ReactRouterOptions extends MoveInOptions {
  /** The `secrets` of the old application's cookie: one, or several, newest first. */
  readonly secrets?: string | readonly string[]
  /** The strategy of `createSessionStorage`. Default: the sessions are in the cookie itself. */
  readonly storage?: ReactRouterStorage
  /** With `storage`: what a session id looks like, all of it. Default `/[\w-]{16,128}/`. */
  readonly id?: RegExp
  /** Only with `storage`, for a cookie without secrets: it is not signed, so that its id alone opens the session. */
  readonly allowUnsignedIds?: true
}

type Values = Record<string, unknown>

const base64 = /^[A-Za-z0-9+/]+={0,2}$/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Takes over the sessions of React Router or Remix, each once, from the cookie `__session` or the one `cookieName` says. All values come
 * along, flashed ones under their name in the cookie, `__flash_…__`; nobody is signed in unless `map` says who. Set a `sunset`: without
 * `storage` these cookies never end by themselves. Throws `config_invalid`.
 *
 * Without `storage`, visitors with the very same data have the very same cookie, and it moves in once: let each hold something of its own,
 * such as the time of the sign-in, before the move begins (docs/moving-in.md).
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { fromReactRouter } from 'coatcheck/migrate/react-router'
 * const sessions = createSessions({
 *   secret: crypto.randomUUID(),
 *   store: memoryStore(),
 *   moveIn: [fromReactRouter({ secrets: ['s3cr3t'], sunset: '2099-12-31' })],
 * })
 * await sessions.close()
 * ```
 */
export function fromReactRouter(options: ReactRouterOptions): MoveIn {
  const own = readerOptions('fromReactRouter', options, [...moveInOptionNames, 'secrets', 'storage', 'id', 'allowUnsignedIds'])
  const { storage } = own
  const secrets = secretsIn(own)
  const isId = idTest('fromReactRouter', own.id)
  return readerOf('fromReactRouter', own, {
    system: 'react-router',
    cookieName: '__session',
    verify(cookies, name): OldTicket | null {
      const payload = payloadOf(firstCookie(cookies, name), secrets)
      if (payload === null) return null
      if (storage === undefined) {
        const values = jsonValues(textIn(payload))
        return values === null ? null : { identity: dataIdentity(payload), shared: true, load: () => ({ values, expiresAt: null }) }
      }
      const id = idIn(payload)
      return id === null || !isId(id) ? null : { identity: id, load: () => loadFrom(storage, id) }
    },
  })
}

/**
 * The values in a cookie of `createCookieSessionStorage`, as it came, or `null`. Never throws for a value, whatever it is.
 *
 * @example
 * ```ts
 * import { readReactRouterSession } from 'coatcheck/migrate/react-router'
 * const value = 'eyJmb28iOiJiYXIifQ%3D%3D.xP6MwY3271pKyQUBOzXIbAsrI96E8CEv0v9ncWmpH48'
 * console.log(readReactRouterSession(value, { secrets: 's3cr3t' })) // { foo: 'bar' }
 * ```
 */
export function readReactRouterSession(
  cookieValue: string | null | undefined,
  options: { readonly secrets: string | readonly string[] },
): Values | null {
  const { secrets } = readerOptions('readReactRouterSession', options, ['secrets'])
  const all = secretsOf('readReactRouterSession', 'secrets', secrets)
  const payload = payloadOf(typeof cookieValue === 'string' ? cookieValue : null, all)
  return payload === null ? null : jsonValues(textIn(payload))
}

/** `null`: nothing is signed, and that has been written down. */
function secretsIn(options: ReactRouterOptions): readonly string[] | null {
  const { secrets, storage, allowUnsignedIds } = options
  if (storage !== undefined && typeof storage?.readData !== 'function')
    throw invalid('fromReactRouter: storage must be what createSessionStorage was given, with readData and deleteData')
  checkProof('fromReactRouter', options, storage ?? null, { name: 'secrets', given: secrets !== undefined })
  return allowUnsignedIds ? null : secretsOf('fromReactRouter', 'secrets', secrets)
}

function payloadOf(cookieValue: string | null, secrets: readonly string[] | null): string | null {
  const text = decodedCookie(cookieValue)
  const payload = text === null || secrets === null ? text : signedText(text, secrets)
  return payload !== null && base64.test(payload) ? payload : null
}

/** Empty, which is no JSON, where the bytes are no UTF-8. */
function textIn(payload: string): string {
  try {
    return utf8.decode(Buffer.from(payload, 'base64'))
  } catch {
    return ''
  }
}

function idIn(payload: string): string | null {
  try {
    const id: unknown = JSON.parse(textIn(payload))
    return typeof id === 'string' ? id : null
  } catch {
    return null
  }
}

async function loadFrom(storage: ReactRouterStorage, id: string): Promise<OldSession | null> {
  const values = membersOf(await storage.readData(id))
  return values === null ? null : { values, expiresAt: null, end: async () => void (await storage.deleteData?.(id)) }
}
