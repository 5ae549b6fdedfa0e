/**
 * h3 and Nuxt, `useSession`, everything in the cookie:
 *
 *   cookie   h3=<seal>   the seal of common/iron.ts, without a password id; h3 2 cuts a long one: h3=__chunked__<n>, h3.1 to h3.<n>
 *   seal     JSON: { id, createdAt, data }, and lastSeenAt with an idle timeout; times in unix milliseconds
 *
 * h3 1 makes its keys with one iteration of PBKDF2, h3 2 with 8,192, and takes over those of h3 1.
 */
import type { MoveIn, OldCookies, OldTicket } from '../http/move-in.ts'
import { chunkedCookie, chunkNames, cookieText, firstCookie } from './common/cookie-value.ts'
import { ironPassword, unseal, type IronKeys } from './common/iron.ts'
import { jsonValues, membersOf } from './common/json-values.ts'
import { invalid, moveInOptionNames, readerOf, readerOptions, type MoveInOptions } from './common/reader.ts'

/** What the old application gave to `useSession`. */
export interface H3SessionConfig {
  /** The h3 of the old application: 1, which is also Nuxt's up to version 4, or 2. */
  readonly version: 1 | 2
  readonly password: string
  /** Its `maxAge`, in seconds. Default: none. */
  readonly maxAge?: number
  /** Its `idleTimeout`, in seconds, which h3 2 has. Default: none. */
  readonly idleTimeout?: number
}

export interface H3SessionOptions extends MoveInOptions, H3SessionConfig {}

type Values = Record<string, unknown>

interface Opened {
  readonly id: string
  readonly values: Values
  /** When no copy of this session is good any more, as far as that can be known. */
  readonly allEndAt: number | null
}

const configNames = ['version', 'password', 'maxAge', 'idleTimeout'] as const
const defaultName = 'h3'
const chunked = /^__chunked__([1-9]\d?|100)$/
const iterations = { 1: [1], 2: [1, 8_192] } as const

/**
 * Takes over the sessions of h3 and Nuxt, each once, from the cookie `h3` or the one `cookieName` says (`nuxt-session` for nuxt-auth-utils).
 * All of `data` comes along; nobody is signed in unless `map` says who. Without `maxAge` and `idleTimeout` these cookies never end by
 * themselves: set a `sunset`. Throws `config_invalid`.
 *
 * With `version: 2` a cookie costs what it costs h3 2, two times 8,192 iterations and one time for a forged one: some 8 ms each, in which
 * the process does nothing else.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { fromH3Session } from 'coatcheck/migrate/h3-session'
 * const password = 'complex_password_at_least_32_characters_long'
 * const sessions = createSessions({
 *   secret: crypto.randomUUID(),
 *   store: memoryStore(),
 *   moveIn: [fromH3Session({ version: 1, password, cookieName: 'nuxt-session', sunset: '2099-12-31' })],
 * })
 * await sessions.close()
 * ```
 */
export function fromH3Session(options: H3SessionOptions): MoveIn {
  const own = readerOptions('fromH3Session', options, [...moveInOptionNames, ...configNames])
  const open = openerOf('fromH3Session', own)
  const { cookieName: name = defaultName, maxAge, keepOld = false } = own
  // The old application goes on making cookies that live longer, but for a maxAge, which counts from the session's beginning.
  const grows = keepOld && maxAge === undefined
  return readerOf('fromH3Session', own, {
    system: 'h3-session',
    cookieName: defaultName,
    expire: (cookies) => chunkNames(cookies, name),
    verify(cookies, name, nowMs): OldTicket | null {
      const opened = open(valueIn(cookies, name), nowMs)
      if (opened === null) return null
      const { id, values, allEndAt } = opened
      return { identity: id, load: () => ({ values, expiresAt: grows ? null : allEndAt }) }
    },
  })
}

/**
 * The `data` in a cookie of `useSession`, or `null`. Pieces are joined before. Never throws for a value, whatever it is. `now` is in unix
 * milliseconds.
 *
 * @example
 * ```ts
 * import { readH3Session } from 'coatcheck/migrate/h3-session'
 * const password = 'complex_password_at_least_32_characters_long'
 * console.log(readH3Session('Fe26.2**forged', { version: 1, password })) // null
 * ```
 */
export function readH3Session(cookieValue: string | null | undefined, options: H3SessionConfig & { readonly now?: number }): Values | null {
  const own = readerOptions('readH3Session', options, [...configNames, 'now'])
  const { now = Date.now() } = own
  return openerOf('readH3Session', own)(cookieText(cookieValue), now)?.values ?? null
}

function openerOf(reader: string, config: H3SessionConfig): (cookieValue: string | null, nowMs: number) => Opened | null {
  const { version, maxAge, idleTimeout } = config
  if (version !== 1 && version !== 2) throw invalid(`${reader}: version must be 1 for h3 1, also in Nuxt 3 and 4, or 2 for h3 2`)
  if ([maxAge, idleTimeout].some((seconds) => seconds !== undefined && !(Number.isFinite(seconds) && seconds > 0)))
    throw invalid(`${reader}: maxAge and idleTimeout must be those of the old application, in seconds; leave out what it does not have`)
  const password = ironPassword(reader, config.password)
  const keys: IronKeys = { passwordOf: (id) => (id === '' ? password : undefined), iterations: iterations[version] }

  return (cookieValue, nowMs) => {
    const unsealed = cookieValue === null ? null : unseal(cookieValue, keys, nowMs)
    const session = unsealed === null ? null : jsonValues(unsealed.json)
    const [id, createdAt, values] = [session?.['id'], session?.['createdAt'], membersOf(session?.['data'])]
    if (unsealed === null || typeof id !== 'string' || id === '' || typeof createdAt !== 'number' || values === null) return null
    const lastSeenAt = typeof session?.['lastSeenAt'] === 'number' ? session['lastSeenAt'] : createdAt
    const endOf = (since: number, seconds: number | undefined): number => since + (seconds ?? Number.POSITIVE_INFINITY) * 1_000
    if (endOf(createdAt, maxAge) < nowMs || endOf(lastSeenAt, idleTimeout) < nowMs) return null
    // A seal lives as long as any of this session, and none is made later than now.
    const life = unsealed.endsAt === null ? Number.POSITIVE_INFINITY : unsealed.endsAt - createdAt
    const end = Math.min(endOf(createdAt, maxAge), endOf(nowMs, idleTimeout), nowMs + life)
    return { id, values, allEndAt: end === Number.POSITIVE_INFINITY ? null : end }
  }
}

function valueIn(cookies: OldCookies, name: string): string | null {
  const value = firstCookie(cookies, name)
  const [, count] = chunked.exec(value ?? '') ?? []
  return count === undefined ? value : chunkedCookie(cookies, name, 1, Number(count))
}
