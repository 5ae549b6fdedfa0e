import type { OldCookies } from '../../http/move-in.ts'

/** Node takes no longer header line than this, all cookies together. */
const lengthMax = 16_384

/** The first value under this name, which is the one that npm's cookie, cookie-es and cookies take; `null` when there is none, or an endless one. */
export function firstCookie(cookies: OldCookies, name: string): string | null {
  return cookieText(cookies.all(name)[0])
}

/** Text that can be a cookie's value by its length, or `null`. */
export function cookieText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && value.length <= lengthMax ? value : null
}

/** The pieces of a cookie, `name.<first>` and on, up to `max` or to the first that is missing, joined; `null` when there is none, or too much. */
export function chunkedCookie(cookies: OldCookies, name: string, first: number, max: number): string | null {
  let text = ''
  for (let n = first; n < first + max; n++) {
    const piece = firstCookie(cookies, `${name}.${n}`)
    if (piece === null) break
    text += piece
  }
  return cookieText(text)
}

/** The names of a cookie and of its pieces, as far as they are there. */
export function chunkNames(cookies: OldCookies, name: string): readonly string[] {
  return cookies.names((one) => one === name || (one.startsWith(`${name}.`) && /^\d{1,3}$/.test(one.slice(name.length + 1))))
}

/**
 * What `encodeURIComponent` was given, or the value itself where nothing is encoded; `null` for every other spelling. Those libraries
 * decode whatever they can, but what a server has set comes back as it was, and one session should have one spelling.
 */
export function decodedCookie(value: string | null): string | null {
  if (value === null || !value.includes('%')) return value
  try {
    const text = decodeURIComponent(value)
    return encodeURIComponent(text) === value ? text : null
  } catch {
    return null
  }
}
