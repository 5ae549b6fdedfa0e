import { invalid } from '../common/options.ts'

/** An address in its parts. Throws `config_invalid`, and never quotes it: it may hold a password. */
export function partsOf(url: string): URL {
  const parts = URL.parse(url)
  if (parts === null || !isEncoded(parts.username + parts.password)) throw unreadable(url)
  return parts
}

/** An address that cannot be read. What a client says of it is left out, because some quote it whole. */
export function unreadable(url: string): Error {
  const scheme = url.slice(0, url.indexOf(':'))
  return invalid(
    `what follows ${scheme}: is no address; percent-encode signs in its user and password (encodeURIComponent), and look for spaces`,
  )
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
