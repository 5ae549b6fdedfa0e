/** What went wrong, in words, and what the process ends with. */
import type { ErrorCode } from '../index.ts'
import { CliError, exits } from './io.ts'
import { printable } from './text.ts'

/** Failures of the network, of whatever client. */
const network = /^(E(CONN\w+|HOST\w+|NET\w+|PIPE|TIMEDOUT|AI_\w+|NOTFOUND|NOENT)|UND_ERR_\w+)$/

/** User and password in an address. */
const login = /\/\/[^/?#\s:@]*:[^/?#\s]+@/g

/** Whatever was thrown, as an end. What no code of ours names is taken for a store's, as clients throw what they like. */
export function failureOf(error: unknown, where: string): CliError {
  if (error instanceof CliError) return error
  const words = messageOf(error)
  const code = codeOf(error)
  if (code === 'config_invalid' || code === 'unsupported') return new CliError(exits.usage, words)
  if (isNoUrl(error))
    return new CliError(exits.usage, `${where}: that is no address; in a password write %2F for /, %3F for ?, %23 for # and %25 for %`)
  return new CliError(exits.store, `${where}: ${words}`)
}

/** Whether a client could make nothing of an address, whoever wrapped that. */
function isNoUrl(error: unknown): boolean {
  const { code, cause, name } = (error ?? {}) as { code?: unknown; cause?: unknown; name?: unknown }
  const decoding = name === 'URIError'
  return code === 'ERR_INVALID_URL' || decoding || (cause !== undefined && cause !== error && isNoUrl(cause))
}

/** Whether a store was not reached: what a module of the application throws may be that too. */
export function isStoreFailure(error: unknown): boolean {
  const code = codeOf(error)
  return code === null ? network.test(String((error as { code?: unknown } | null)?.code)) : code.startsWith('store_')
}

/** By name: the application's module may have another copy of this package. */
export function codeOf(error: unknown): ErrorCode | null {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown }
  return name === 'CoatcheckError' ? (code as ErrorCode) : null
}

/** The message and those of its causes. */
export function messageOf(error: unknown): string {
  const said: string[] = []
  for (let one = error, depth = 0; one !== undefined && one !== null && depth < 4; one = (one as { cause?: unknown }).cause, depth++) {
    const { message, code, name } = one as { message?: unknown; code?: unknown; name?: unknown }
    // Node gives up on several addresses with an error that has a code and no words.
    const words = [message, code, name].find((word) => typeof word === 'string' && word !== '') ?? String(one)
    const plain = String(words).replace(/^\[coatcheck\] /, '')
    if (!said.some((before) => before.includes(plain))) said.push(plain)
  }
  return printable(said.join(': ')).replaceAll(login, '//***@')
}

/** Answers within so many milliseconds, or fails. */
export async function within<T>(ms: number, what: string, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new CliError(exits.store, `${what} did not answer within ${ms / 1000} s`)), ms)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
