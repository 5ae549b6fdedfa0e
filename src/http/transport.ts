/** How a token travels: in a cookie, or in a header of its own. */
import { CoatcheckError } from '../core/errors.ts'
import { cookieWriter, findCookies, resolveCookie, type CookieOptions } from './cookie.ts'
import { invalid } from './options.ts'
import type { Outgoing, RequestHead } from './types.ts'

/** What a transport wants on the response. */
export type Sent = Pick<Outgoing, 'setCookies' | 'headers'>

export interface Transport {
  /** The distinct tokens that arrived; `null` when there are more candidates than anybody should check. */
  read(head: RequestHead): readonly string[] | null
  /** Gives the client a token for `maxAgeMs`; `null`: for as long as the browser runs. Throws `cookie_too_large`. */
  send(token: string, maxAgeMs: number | null, nowMs: number): Sent
  /** Makes the client forget its token. */
  forget(): Sent
  /** The cookie's or header's name: keeps the tokens of two sessions apart. */
  readonly name: string
  /** Whether the token travels over https only. */
  readonly secure: boolean
  /** The request header that responses depend on, for Vary. */
  readonly vary: string
  /** Whether a browser attaches the token by itself, so that CSRF has to be judged. */
  readonly ambient: boolean
  /** Longest token that fits. */
  readonly tokenBytesMax: number
}

const candidatesMax = 4
const nothing: readonly never[] = Object.freeze([])

/** Carries tokens in one HttpOnly cookie. Throws `config_invalid`. */
export function cookieTransport(options: CookieOptions, defaultName: string): Transport {
  const cookie = resolveCookie(options, defaultName)
  const writer = cookieWriter(cookie)
  const forgotten: Sent = { setCookies: [writer.clear()], headers: nothing }
  return {
    read: (head) => findCookies(head.header('cookie'), cookie.name, candidatesMax),
    send: (token, maxAgeMs, nowMs) => ({ setCookies: [writer.set(token, maxAgeMs, nowMs)], headers: nothing }),
    forget: () => forgotten,
    name: cookie.name,
    secure: cookie.secure,
    vary: 'Cookie',
    ambient: true,
    tokenBytesMax: writer.valueBytesMax,
  }
}

const headerTokenBytesMax = 4096
/** What a page may not set (Fetch 2.2.2, forbidden request-headers), and what already means something in a response. */
const taken =
  /^(?:accept-charset|accept-encoding|authorization|cache-control|connection|cookie2?|date|dnt|etag|expect|expires|host|keep-alive|location|origin|referer|set-cookie2?|te|trailer|transfer-encoding|upgrade|vary|via|(?:access-control|content|proxy|sec)-.*)$/

/**
 * Carries tokens in a request and response header of the same name, for clients that keep no cookies. The client keeps the newest
 * token it was answered and sends it with every request; an empty answer means: forget it. A page of another origin also needs
 * `Access-Control-Expose-Headers` to read it. Throws `config_invalid`.
 */
export function headerTransport(headerName: string): Transport {
  const name = headerNameOf(headerName)
  const forgotten: Sent = { setCookies: nothing, headers: [[name, '']] }
  return {
    read: (head) => candidatesOf(head.header(name)),
    send: (token) => ({ setCookies: nothing, headers: [[name, checked(token)]] }),
    forget: () => forgotten,
    name,
    secure: false,
    vary: name,
    ambient: false,
    tokenBytesMax: headerTokenBytesMax,
  }
}

function headerNameOf(name: unknown): string {
  if (typeof name !== 'string' || !/^[\w!#$%&'*+.^`|~-]{1,64}$/.test(name)) {
    throw invalid("`transport.header` is no header name (RFC 9110 5.1); write one such as 'x-session'")
  }
  const lower = name.toLowerCase()
  if (taken.test(lower))
    throw invalid(`\`transport.header\` is ${lower}, which means something else; write a name of your own such as 'x-session'`)
  return lower
}

/** Several lines of one header arrive joined by commas, in any order. */
function candidatesOf(value: string | undefined): readonly string[] | null {
  const found: string[] = []
  for (const part of value === undefined ? nothing : value.split(',')) {
    const token = withoutBlanks(part)
    if (token !== '' && !found.includes(token) && found.push(token) > candidatesMax) return null
  }
  return found
}

/** Not `trim`, which takes U+00A0 and its kin for blanks too: a token would have several spellings. */
function withoutBlanks(part: string): string {
  let start = 0
  let end = part.length
  while (start < end && isBlank(part.charCodeAt(start))) start++
  while (end > start && isBlank(part.charCodeAt(end - 1))) end--
  return part.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

function checked(token: string): string {
  if (!/^[!-+\--~]+$/.test(token))
    throw new CoatcheckError('value_invalid', 'a token is made of printable ASCII without blanks and commas; encode it as base64url')
  if (token.length <= headerTokenBytesMax) return token
  throw new CoatcheckError(
    'cookie_too_large',
    `the token is ${token.length} bytes long and ${headerTokenBytesMax} fit a header; keep less in the session, or carry it in a store`,
  )
}
