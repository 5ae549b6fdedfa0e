import { invalid } from '../common/options.ts'

/** One of `servers`, read. */
export interface Address {
  /** `host:port`: its place on the ring, and its name in errors. */
  readonly name: string
  readonly host: string
  readonly port: number
  readonly secure: boolean
  readonly login: { readonly user: string; readonly password: string } | null
}

const defaultPort = 11_211
const examples = "'cache1:11211' or 'memcached://user:password@cache1' (memcacheds:// for TLS)"

/** Reads the option `servers`. Its errors name the place in the list, never the text: it may hold a password. */
export function addressesOf(servers: string | readonly string[], hasTls: boolean): Address[] {
  const list = typeof servers === 'string' ? [servers] : servers
  if (!Array.isArray(list) || list.length === 0) throw invalid(`memcachedStore needs servers; write for example ${examples}`)
  const addresses = list.map((text: unknown, n) => addressOf(text, `memcachedStore: servers[${n}]`, hasTls))
  const twice = addresses.find(({ name }, n) => addresses.findIndex((one) => one.name === name) !== n)
  if (twice !== undefined) throw invalid(`memcachedStore: servers names ${twice.name} twice; write each server once`)
  return addresses
}

function addressOf(text: unknown, place: string, hasTls: boolean): Address {
  const url = typeof text === 'string' ? urlOf(text) : null
  if (url === null) throw invalid(`${place} must be like ${examples}`)
  if (url.protocol === 'memcached:' && hasTls && String(text).includes('://')) {
    throw invalid(`${place} begins with memcached://, which is without TLS, and tls is given; write memcacheds://`)
  }
  const port = url.port === '' ? defaultPort : Number(url.port)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return { name: `${url.hostname}:${port}`, host, port, secure: hasTls || url.protocol === 'memcacheds:', login: loginOf(url, place) }
}

function urlOf(text: string): URL | null {
  const url = URL.parse(text.includes('://') ? text : `memcached://${text}`)
  if (url === null || !/^memcacheds?:$/.test(url.protocol) || url.hostname === '' || url.port === '0') return null
  return /^\/?$/.test(url.pathname) && url.search === '' && url.hash === '' ? url : null
}

/** The server splits name and password at the first space and reads them to the end of the line. */
function loginOf({ username, password }: URL, place: string): Address['login'] {
  if (username === '' && password === '') return null
  const login = { user: decoded(username), password: decoded(password) }
  const isPlain = /^[!-9;-~]{1,64}$/.test(login.user) && /^[!-~]{1,128}$/.test(login.password)
  if (!isPlain) throw invalid(`${place}: user and password must be ASCII without spaces, percent-encoded where a URL needs it`)
  return login
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
