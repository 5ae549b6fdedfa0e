/** Puts a commit's answer on a response that the application has headers on already. */
import type { Outgoing } from './types.ts'

/** The headers of a response. Names are case-insensitive. */
export interface HeaderPort {
  get(name: string): string | readonly string[] | undefined
  /** Replaces every line of this name; an array becomes one line for each element. */
  set(name: string, value: string | readonly string[]): void
}

/**
 * Adds cookies, headers, `Vary` and, as soon as the response carries a token, `Cache-Control`. Leaves a response alone that the
 * session has nothing to say on. Doing it twice changes nothing.
 */
export function applyOutgoing(outgoing: Outgoing, port: HeaderPort): void {
  const { setCookies, headers, vary } = outgoing
  if (setCookies.length > 0) port.set('Set-Cookie', joinedCookies(linesOf(port.get('Set-Cookie')), setCookies))
  for (const [name, value] of headers) port.set(name, value)
  if (setCookies.length > 0 || headers.length > 0) keepOutOfCaches(port)
  if (vary !== null) varyBy(port, vary)
}

function linesOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}

/** The application's cookies, then ours. One of the same name gives way: the browser would keep whichever came last. */
function joinedCookies(theirs: readonly string[], ours: readonly string[]): string[] {
  const names = new Set(ours.map(cookieNameOf))
  return [...theirs.filter((line) => !names.has(cookieNameOf(line))), ...ours]
}

function cookieNameOf(line: string): string {
  return line.slice(0, line.search(/[=;]|$/)).trim()
}

/** They overrule `Cache-Control` in the caches they are meant for (RFC 9213, Edge Architecture 1.0). */
const cacheHeaders = [
  'CDN-Cache-Control',
  'Surrogate-Control',
  'Cloudflare-CDN-Cache-Control',
  'Netlify-CDN-Cache-Control',
  'Vercel-CDN-Cache-Control',
  'Akamai-Cache-Control',
]

/**
 * A shared cache that kept this response would hand one visitor's token to the next (RFC 9111 7.3). Whatever the application said
 * that does not rule it out is replaced; what does (`no-store`, or `private` for the whole response) stays as it is.
 */
function keepOutOfCaches(port: HeaderPort): void {
  if (!isPrivate(linesOf(port.get('Cache-Control')))) port.set('Cache-Control', 'private, no-store')
  for (const name of cacheHeaders) {
    const lines = linesOf(port.get(name))
    if (lines.length > 0 && !isPrivate(lines)) port.set(name, 'private, no-store')
  }
  // nginx's own, in seconds.
  if (port.get('X-Accel-Expires') !== undefined) port.set('X-Accel-Expires', '0')
}

function isPrivate(lines: readonly string[]): boolean {
  // Without quoted arguments: private="x, no-store" is about one field and says nothing of the response.
  const directives = listOf(lines.map((line) => line.replaceAll(/"[^"]*"?/g, '')))
  if (directives.some((one) => one === 'public' || one.startsWith('s-maxage'))) return false
  return directives.includes('no-store') || directives.includes('private')
}

function varyBy(port: HeaderPort, vary: string): void {
  const lines = linesOf(port.get('Vary')).filter((line) => line !== '')
  if (lines.length === 0 && !vary.includes(',')) return port.set('Vary', vary)
  const names = new Set(listOf(lines))
  if (names.has('*')) return
  const missing = vary.split(', ').filter((name) => !names.has(name.toLowerCase()) && names.add(name.toLowerCase()))
  if (missing.length > 0) port.set('Vary', [...lines, ...missing].join(', '))
}

/** The members of a comma-separated header, in lower case. */
function listOf(lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.toLowerCase().split(',')).map((member) => member.trim())
}
