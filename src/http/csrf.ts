/** Whether an unsafe request comes from our own pages: judged by headers that browsers write and pages cannot. */
import { invalid, ownOptions } from './options.ts'
import { isOriginOfHost, originsOf } from './origin.ts'
import type { RequestHead } from './types.ts'

/** The `csrf` option. */
export interface CsrfOptions {
  /**
   * Our own public origins, such as `'https://app.example.com'`, for servers behind a proxy that rewrites `Host`. Default: https
   * and the request's `Host` (http as well for localhost and when cookies are not Secure). `X-Forwarded-*` is never read.
   */
  readonly origin?: string | readonly string[]
  /** Other origins whose pages may send unsafe requests here. Exact: no wildcards, no paths. Default: none. */
  readonly trustedOrigins?: readonly string[]
  /** Ask unsafe requests for a token as well. Default `false`: the headers suffice for browsers since 2020. */
  readonly token?: boolean
}

type CsrfVerdict =
  | 'allowed'
  /** The browser says that another site's page sent it, or says something that no browser says. */
  | 'cross-site'
  /** A page of a sibling host sent it, which is not in `trustedOrigins`. */
  | 'same-site'
  /** `Origin` is neither ours nor trusted. */
  | 'origin'
  /** A WebSocket handshake whose `Origin` is missing, or neither ours nor trusted. */
  | 'upgrade'

/** Judges one request. */
export type CsrfJudge = (head: RequestHead) => CsrfVerdict

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Whether a method changes nothing by its definition (RFC 9110 9.2.1), written exactly so. */
export function isSafe(method: string): boolean {
  return safeMethods.has(method)
}

/**
 * The judge of a server's requests. Throws `config_invalid`.
 *
 * `Sec-Fetch-Site` decides where the browser sends it (over https and to localhost, all browsers since 2023), else `Origin`. A
 * request with neither was sent by no browser of this decade, or by one that kept the SameSite cookie back.
 */
export function createCsrf(options: CsrfOptions, cookieSecure: boolean): CsrfJudge {
  const own = ownOptions('csrf', options, ['origin', 'trustedOrigins', 'token'])
  const { origin: ours = null, trustedOrigins = [], token = false } = own
  if (typeof token !== 'boolean') throw invalid('`csrf.token` must be true or false')
  const trusted = originsOf('csrf.trustedOrigins', trustedOrigins, cookieSecure)
  const configured = ours === null ? null : originsOf('csrf.origin', typeof ours === 'string' ? [ours] : ours, cookieSecure)
  if (configured?.size === 0)
    throw invalid("`csrf.origin` is empty, so every page would be refused; write ['https://app.example.com'] or leave it out")

  const isOurs = (origin: string, head: RequestHead): boolean =>
    configured === null ? isOriginOfHost(origin, head.header('host'), cookieSecure) : configured.has(origin)

  return (head) => {
    // Extra protocol names, versions and methods make a handshake no safer, so any mention of it counts.
    const upgrade = /websocket/i.test(head.header('upgrade') ?? '')
    if (isSafe(head.method) && !upgrade) return 'allowed'
    const origin = head.header('origin')
    if (origin !== undefined && trusted.has(origin)) return 'allowed'
    if (upgrade && (origin === undefined || !isOurs(origin, head))) return 'upgrade'
    switch (head.header('sec-fetch-site')) {
      case undefined:
        return origin === undefined || isOurs(origin, head) ? 'allowed' : 'origin'
      case 'same-origin':
        return isWithheld(origin) || configured === null || isOurs(origin, head) ? 'allowed' : 'origin'
      case 'none':
        // No page asked: a share target, a form restored with its tab. Then there is no page's origin either.
        return isWithheld(origin) || isOurs(origin, head) ? 'allowed' : 'origin'
      case 'same-site':
        return 'same-site'
      default:
        return 'cross-site'
    }
  }
}

/**
 * `null` from a page of our own means only `Referrer-Policy: no-referrer`, which many servers send (Fetch, "append a request
 * Origin header"). A sandboxed frame sends it too, but never next to `same-origin` or `none`.
 */
function isWithheld(origin: string | undefined): origin is 'null' | undefined {
  return origin === undefined || origin === 'null'
}
