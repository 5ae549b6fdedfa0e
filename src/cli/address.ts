/** Addresses of stores on a command line: none with a password in it, and none printed with its credentials. */
import { usage, type Io } from './io.ts'

export interface Address {
  /** What a client is given. */
  readonly url: string
  /** The same for people and files: no user, no password, no query. */
  readonly name: string
}

const variable = /^env:(\w+)$/
/** Between the addresses that one is made of. */
const beforeNext = /\+(?=[a-z][a-z\d+-]*:)/
/** Hosts and a path that need no second look, and behind them parameters. */
const plain = /^([a-z\d+:-]*:\/\/[^/?#\s:@]+(?::\d+)?(?:,[^/?#\s:@]+(?::\d+)?)*(?:\/[^?#\s@]*)?)\?(?:[\w.-]+=[^&#\s]*(?:&|$))*$/
const secretParameter = /[?&][^=&]*(?:pass|pwd|secret|token)[^=&]*=/i

/**
 * An address as it was given: itself, or `env:NAME` for one that an environment variable holds. Throws with exit code 2 for one with a password:
 * a command line can be read in the list of processes, and stays in the history of a shell.
 */
export function addressOf(option: string, value: string, { env }: Pick<Io, 'env'>): Address {
  const [, name] = variable.exec(value) ?? []
  if (name === undefined) {
    if (passwordsIn(value).length > 0 || secretParameter.test(value))
      throw usage(
        `${option} has a password in it, which everybody on this machine can read in the list of processes, and which stays in the history ` +
          `of your shell.\nPut the whole address into an environment variable and write its name: ${option} env:DATABASE_URL`,
      )
    return { url: value, name: withoutLogin(value) }
  }
  const url = env[name]
  if (!url) throw usage(`${option} ${value}: there is no environment variable ${name}, or it is empty`)
  // Whatever it is then, it is not to be quoted.
  if (!/^[a-z][a-z+-]*:/.test(url)) throw usage(`${option} ${value}: what the environment variable ${name} holds is no address`)
  return { url, name: withoutLogin(url) }
}

function withoutLogin(url: string): string {
  return partsOf(url)
    .map((part) => part.replace(`//${loginIn(part)}@`, '//').replace(/[?#].*$/s, ''))
    .join('+')
}

function passwordsIn(url: string): readonly string[] {
  return partsOf(url).flatMap((part) => {
    const [user = '', ...password] = loginIn(part).split(':')
    return user.includes('@') ? [] : password.join(':') || []
  })
}

/** Who a client says it is: up to the last @, as a password may have a / in it that should have been percent-encoded. */
function loginIn(part: string): string {
  const start = part.indexOf('//') + 2
  return start < 2 ? '' : part.slice(start, Math.max(start, part.lastIndexOf('@')))
}

/** The addresses that one is made of, without parameters, where they are certain to be that. */
function partsOf(url: string): readonly string[] {
  return url.split(beforeNext).map((part) => plain.exec(part)?.[1] ?? part)
}

/** The text of an error without the secrets that it may quote. */
export function withoutSecrets(text: string, addresses: readonly Address[], secrets: readonly string[]): string {
  const whole = addresses.reduce((said, { url, name }) => said.replaceAll(url, name), text)
  const parts = addresses.flatMap(({ url }) => passwordsIn(url))
  const known = [...secrets, ...parts, ...parts.map(decoded)].filter((one) => one.length > 2)
  return known.reduce((said, one) => said.replaceAll(one, '***'), whole)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A password with a bare %: it is what it looks like.
    return text
  }
}
