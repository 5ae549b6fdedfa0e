/** The bytes of one cookie: finding it in `Cookie`, writing it into `Set-Cookie`. */
import { CoatcheckError } from '../core/errors.ts'
import { invalid, ownOptions } from './options.ts'

/** The `cookie` option. HttpOnly is always set; how long the cookie lives follows from `lifetime`. */
export interface CookieOptions {
  /**
   * Default `__Host-session`, or `__Host-` and the session's name. With `domain` or a `path` other than `/` the prefix is
   * `__Secure-`, with `secure: false` there is none (RFC 6265bis 4.1.3).
   */
  readonly name?: string
  /** URLs below this path get the cookie. Default `/`. No boundary between applications of one host: scripts reach every path. */
  readonly path?: string
  /** Share the cookie with all subdomains of this host. Default: only the host that set it. */
  readonly domain?: string
  /** Only over https and to localhost. Default `true`; `false` is for tests over plain http. */
  readonly secure?: boolean
  /** Whether requests from other sites carry the cookie. Default `lax`: only when somebody follows a link. */
  readonly sameSite?: 'lax' | 'strict' | 'none'
  /** A jar of its own for each site that embeds us (CHIPS). Default `false`. */
  readonly partitioned?: boolean
  /** Which cookies Chromium drops last when one site has too many. Default: no word about it. */
  readonly priority?: 'low' | 'medium' | 'high'
}

/** {@link CookieOptions} with nothing left open. */
export interface ResolvedCookie {
  readonly name: string
  readonly path: string
  readonly domain: string | null
  readonly secure: boolean
  readonly sameSite: 'lax' | 'strict' | 'none'
  readonly partitioned: boolean
  readonly priority: 'low' | 'medium' | 'high' | null
}

export interface CookieWriter {
  /**
   * A Set-Cookie value that lives for `maxAgeMs`, rounded up to seconds; `null`: until the browser closes. Throws
   * `cookie_too_large` over 4096 bytes, `value_invalid` for a value that is no cookie value, `config_invalid` over 400 days.
   */
  set(value: string, maxAgeMs: number | null, nowMs: number): string
  /** A Set-Cookie value that makes the browser forget the cookie. */
  clear(): string
  /** Longest value that `set` can always write. */
  readonly valueBytesMax: number
}

/** Chromium and Firefox drop a cookie whose name and value are longer; the whole line has to fit, so that nobody has to do sums. */
const setCookieBytesMax = 4096
/** RFC 6265bis 5.5: browsers cut longer lives off. */
const maxAgeMsMax = 400 * 86_400_000
/** RFC 6265bis 5.6: a longer attribute is ignored, and the cookie gets another scope than the one asked for. */
const attributeBytesMax = 1024

const none: readonly string[] = Object.freeze([])
const equals = 0x3d
const semicolon = 0x3b
const space = 0x20
const tab = 0x09

/**
 * The distinct values of the cookies of exactly this name (a token), in order and untouched; `null` when there are more than
 * `max` of them.
 *
 * Browsers send what they were told to keep, so nothing is trimmed but the blanks before a name, nothing is decoded and nothing
 * unquoted: every reader that is more generous sees cookies that no prefix protects (RFC 6265bis 4.1.3). The other cookies are
 * not parsed.
 */
export function findCookies(header: string | undefined, name: string, max: number): readonly string[] | null {
  if (header === undefined) return none
  let found: string[] | null = null
  for (let at = header.indexOf(name); at !== -1; at = header.indexOf(name, at + name.length)) {
    const start = at + name.length + 1
    if (header.charCodeAt(start - 1) !== equals || !beginsPair(header, at)) continue
    const end = header.indexOf(';', start)
    const value = end === -1 ? header.slice(start) : header.slice(start, end)
    found ??= []
    if (!found.includes(value) && found.push(value) > max) return null
  }
  return found ?? none
}

/** Whether only blanks stand between `at` and the `;` before it. Blanks are walked once: no two names share them. */
function beginsPair(header: string, at: number): boolean {
  for (let before = at - 1; before >= 0; before--) {
    const code = header.charCodeAt(before)
    if (code !== space && code !== tab) return code === semicolon
  }
  return true
}

const known = ['name', 'path', 'domain', 'secure', 'sameSite', 'partitioned', 'priority'] as const
const sameSites = ['lax', 'strict', 'none'] as const
const priorities = ['low', 'medium', 'high'] as const

/** Fills in the defaults. Throws `config_invalid` for a cookie that a browser would refuse or that would not be the one asked for. */
export function resolveCookie(options: CookieOptions, defaultName: string): ResolvedCookie {
  const own = ownOptions('cookie', options, known)
  const { path = '/', domain = null, secure = true, sameSite = 'lax', partitioned = false, priority = null } = own
  const prefix = !secure ? '' : domain === null && path === '/' ? '__Host-' : '__Secure-'
  const cookie = { name: own.name ?? prefix + defaultName, path, domain, secure, sameSite, partitioned, priority }
  const wrong = wrongName(cookie.name) ?? wrongScope(cookie) ?? wrongWord(cookie) ?? wrongPrefix(cookie)
  if (wrong !== null) throw invalid(wrong)
  return cookie
}

function wrongName(name: unknown): string | null {
  if (typeof name === 'string' && /^[\w!#$%&'*+.^`|~-]{1,256}$/.test(name)) return null
  return "`cookie.name` is no token (RFC 9110 5.6.2); write 1 to 256 letters, digits or any of !#$%&'*+-.^_`|~"
}

function wrongScope({ path, domain }: ResolvedCookie): string | null {
  // `,` is legal in a path, but whoever joins Set-Cookie lines by mistake cuts there.
  if (typeof path !== 'string' || !/^\/[!-+\--:<-~]*$/.test(path) || path.length > attributeBytesMax) {
    return `\`cookie.path\` must begin with / and be at most ${attributeBytesMax} printable ASCII characters without blank, comma and semicolon; percent-encode the others`
  }
  if (
    domain !== null &&
    (typeof domain !== 'string' || !/^[a-z\d_][\w-]{0,62}(\.[a-z\d_][\w-]{0,62})*$/i.test(domain) || domain.length > 253)
  ) {
    return '`cookie.domain` must be a bare host name; write example.com, without scheme, port, path or leading dot, in punycode when it is not ASCII'
  }
  return null
}

function wrongWord({ secure, sameSite, partitioned, priority }: ResolvedCookie): string | null {
  if (typeof secure !== 'boolean') return '`cookie.secure` must be true or false'
  if (typeof partitioned !== 'boolean') return '`cookie.partitioned` must be true or false'
  if (!sameSites.includes(sameSite)) return "`cookie.sameSite` must be 'lax', 'strict' or 'none'"
  if (priority !== null && !priorities.includes(priority)) return "`cookie.priority` must be 'low', 'medium' or 'high'"
  if (secure) return null
  if (sameSite === 'none') return "`cookie.sameSite: 'none'` needs https; leave `cookie.secure` out, or write sameSite: 'lax'"
  return partitioned ? '`cookie.partitioned` needs https; leave `cookie.secure` out, or partitioned' : null
}

/** RFC 6265bis 4.1.3. `__Http-` is newer: `__Secure-` for cookies that scripts cannot write. */
function wrongPrefix({ name, path, domain, secure }: ResolvedCookie): string | null {
  const prefix = /^__(?:host|secure|http)-/i.exec(name)?.[0]
  if (prefix === undefined) return null
  const exact = `__${prefix.charAt(2).toUpperCase()}${prefix.slice(3).toLowerCase()}`
  if (prefix !== exact)
    return `\`cookie.name\` begins with ${prefix}, which some browsers take for ${exact} and some do not; write ${exact}`
  if (!secure) return `\`cookie.name\` begins with ${exact}, which needs https; leave \`cookie.secure\` out, or the prefix`
  if (exact !== '__Host-' || (path === '/' && domain === null)) return null
  return '`cookie.name` begins with __Host-, which allows no domain and no path but /; leave both out, or write __Secure- instead'
}

/** A writer of one cookie. All but value and life is put together here, once. */
export function cookieWriter(cookie: ResolvedCookie): CookieWriter {
  const { name } = cookie
  const attributes = attributesOf(cookie)
  const cleared = `${name}=${life(0, 0)}${attributes}`
  const lineOf = (value: string, lifetime: string): string => `${name}=${value}${lifetime}${attributes}`
  return {
    valueBytesMax: setCookieBytesMax - lineOf('', life(maxAgeMsMax, 0)).length,
    set(value, maxAgeMs, nowMs) {
      if (!cookieValue.test(value))
        throw new CoatcheckError('value_invalid', 'a cookie value is made of cookie-octets (RFC 6265bis 4.1.1); encode it as base64url')
      const line = lineOf(value, maxAgeMs === null ? '' : life(maxAgeMs, nowMs))
      if (line.length <= setCookieBytesMax) return line
      throw new CoatcheckError(
        'cookie_too_large',
        `the Set-Cookie of ${name} is ${line.length} bytes long and browsers drop what is over ${setCookieBytesMax}; keep less in the session, or carry it in a store`,
      )
    },
    clear: () => cleared,
  }
}

/** cookie-octet: no control, blank, quote, comma, semicolon, backslash, nothing outside ASCII. */
const cookieValue = /^[!#-+\--:<-[\]-~]+$/

function attributesOf({ path, domain, secure, sameSite, partitioned, priority }: ResolvedCookie): string {
  return [
    `; Path=${path}`,
    domain === null ? '' : `; Domain=${domain}`,
    secure ? '; Secure' : '',
    '; HttpOnly',
    `; SameSite=${capitalised(sameSite)}`,
    partitioned ? '; Partitioned' : '',
    priority === null ? '' : `; Priority=${capitalised(priority)}`,
  ].join('')
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

/** Both spellings of one moment: old clients know Expires only, all others let Max-Age win. What is over already ends now. */
function life(maxAgeMs: number, nowMs: number): string {
  if (!(maxAgeMs <= maxAgeMsMax)) throw invalid('a cookie lives at most 400 days (RFC 6265bis 5.5); write a shorter lifetime.absolute')
  const seconds = Math.max(0, Math.ceil(maxAgeMs / 1000))
  return `; Max-Age=${seconds}; Expires=${new Date(nowMs + seconds * 1000).toUTCString()}`
}
