/** What the systems have in common whose cookie is nothing but an id. */
import type { MoveIn, OldSession, OldTicket } from '../../http/move-in.ts'
import { idTest } from '../common/ids.ts'
import { invalid, moveInOptionNames, readerOf, readerOptions, type MoveInOptions } from '../common/reader.ts'
import { unquoted } from '../webapp2/header.ts'
import type { MemcacheReader } from '../webapp2/memcache.ts'

export interface PlainIdOptions extends MoveInOptions {
  /** The old cookie is not signed, so that its id alone opens the session. */
  readonly allowUnsignedIds: true
  /** How long the old system kept a session after its last use, in seconds. */
  readonly timeout?: number
}

interface Layout<Options> {
  readonly system: string
  readonly cookieName: string
  /** Seconds. */
  readonly timeout: number
  /** The whole of an id; nothing else reaches memcache. */
  readonly id: RegExp
  /** The names of options that are this system's own. */
  readonly options: readonly (keyof Options & string)[]
  load(id: string, memcache: MemcacheReader): Promise<unknown>
  /** What to delete when the session has been taken over. */
  keys(id: string): readonly string[]
}

/** A reader of one of them. Throws `config_invalid`. */
export function plainIds<Options extends PlainIdOptions & { readonly memcache: MemcacheReader }>(
  reader: string,
  options: Options,
  { system, cookieName, timeout: defaultTimeout, id, options: names, load, keys }: Layout<Options>,
): MoveIn {
  const own = readerOptions(reader, options, [...moveInOptionNames, 'allowUnsignedIds', 'timeout', 'memcache', ...names])
  const { memcache, allowUnsignedIds, timeout = defaultTimeout } = own
  const wrong =
    allowUnsignedIds !== true
      ? 'its cookies are not signed; write allowUnsignedIds: true to take them all the same'
      : typeof memcache?.gets !== 'function'
        ? 'memcache must be a client with the function gets(key)'
        : !Number.isFinite(timeout) || timeout <= 0
          ? 'timeout must be a number of seconds'
          : null
  if (wrong !== null) throw invalid(`${reader}: ${wrong}`)
  const isId = idTest(reader, id)
  const { delete: remove } = memcache

  async function loaded(name: string, nowMs: number): Promise<OldSession | null> {
    const values = await load(name, memcache)
    if (typeof values !== 'object' || values === null || Object.getPrototypeOf(values) !== Object.prototype) return null
    // A visit renews it there.
    const session = { values: values as OldSession['values'], expiresAt: nowMs + timeout * 1000 }
    if (remove === undefined) return session
    return { ...session, end: async () => void (await Promise.all(keys(name).map((key) => remove.call(memcache, key)))) }
  }

  return readerOf(reader, own, {
    system,
    cookieName,
    verify(cookies, name, nowMs): OldTicket | null {
      const value = unquoted(cookies.all(name).at(-1) ?? '') ?? ''
      return isId(value) ? { identity: value, load: () => loaded(value, nowMs) } : null
    },
  })
}
