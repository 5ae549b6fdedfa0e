/** Serialised origins (RFC 6454 6.2): scheme, host, and the port unless it is the scheme's own. Compared as text. */
import { invalid } from './options.ts'

/** Reads a list of exact origins from the options; throws `config_invalid`. `cookieSecure`: https, or this very machine. */
export function originsOf(option: string, value: unknown, cookieSecure: boolean): ReadonlySet<string> {
  if (!Array.isArray(value)) throw invalid(`\`${option}\` must be a list of origins; write ['https://app.example.com']`)
  return new Set(value.map((one: unknown) => originOf(option, one, cookieSecure)))
}

function originOf(option: string, value: unknown, cookieSecure: boolean): string {
  const origin = typeof value === 'string' ? serialised(value) : null
  if (origin === null) throw invalid(`\`${option}\` takes whole origins, without wildcards; write each as in 'https://app.example.com'`)
  if (origin !== value) throw invalid(`\`${option}\` takes origins as browsers spell them, without path; write '${origin}'`)
  if (cookieSecure && origin.startsWith('http:') && !isThisMachine(origin.slice(7))) {
    throw invalid(
      `\`${option}\` names ${origin}, which anybody on the way can pose as, and Secure cookies do not go there; write it with https`,
    )
  }
  return origin
}

function serialised(text: string): string | null {
  if (!URL.canParse(text)) return null
  const { protocol, host } = new URL(text)
  return host === '' || host.includes('*') ? null : `${protocol}//${host}`
}

/** Whether a request with this Host went to `origin`. Secure cookies travel by https only, except to localhost. */
export function isOriginOfHost(origin: string, host: string | undefined, cookieSecure: boolean): boolean {
  if (!host) return false
  const lower = host.toLowerCase()
  if (origin.startsWith('https://')) return sameHost(origin.slice(8), lower, ':443')
  return origin.startsWith('http://') && sameHost(origin.slice(7), lower, ':80') && (!cookieSecure || isThisMachine(lower))
}

/** A proxy may add the port that the browser left out. */
function sameHost(ofOrigin: string, host: string, defaultPort: string): boolean {
  return ofOrigin === host || ofOrigin + defaultPort === host
}

function isThisMachine(host: string): boolean {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/.test(host)
}
