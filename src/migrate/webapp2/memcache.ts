/**
 * webapp2's memcache backend, and what App Engine's memcache keeps beside each value:
 *
 *   key    the sid, without prefix; any key over 250 bytes as its SHA-1 in hex
 *   flags  0 bytes (Python 2: str)   1 text   2 pickle   3 int   4 long   5 bool
 *   value  the session's dict, pickled: flags 2
 */
import { hash } from 'node:crypto'
import { invalid } from '../../http/options.ts'
import { readPickle, type PickleResult } from '../pickle.ts'
import { digitsMax } from '../pickle/python.ts'
import { textOf } from '../pickle/text.ts'
import { untilWon, unavailable, type Looked, type Webapp2Backend } from './backend.ts'
import { pickled, pickledValues } from './record.ts'

/** A value as memcached holds it. */
export interface MemcacheItem {
  readonly value: Uint8Array
  readonly flags: number
}

/** Reading is all that moving in needs. */
export interface MemcacheReader {
  /** `null` or `undefined`: no such key. */
  gets(key: string): Promise<MemcacheItem | null | undefined>
  delete?(key: string): Promise<unknown>
}

/** The least that sharing sessions needs of a memcached client; `cas` is whatever `gets` gave. */
export interface MemcacheClient<Cas> {
  gets(key: string): Promise<(MemcacheItem & { readonly cas: Cas }) | null | undefined>
  /** Writes if nobody has since; `false`: somebody has, or it is gone. No expiry. */
  cas(key: string, value: Uint8Array, flags: number, cas: Cas): Promise<boolean>
  /** Writes if there is nothing; `false`: there is. No expiry. */
  add(key: string, value: Uint8Array, flags: number): Promise<boolean>
  delete(key: string): Promise<unknown>
}

const pickleFlags = 2
const keyBytesMax = 250

/**
 * webapp2's `memcache` backend on a memcached that the Python application and this one both reach (App Engine's own memcache has no
 * door to the outside). Sessions have no expiry there, and one that memcached drops is gone, as for webapp2.
 *
 * @example
 * ```ts
 * import { webapp2Memcache, webapp2Sessions, type MemcacheClient, type MemcacheItem } from 'coatcheck/migrate/webapp2'
 *
 * // Yours wraps a memcached client; this one is a Map.
 * const items = new Map<string, MemcacheItem & { cas: number }>()
 * const put = (key: string, value: Uint8Array, flags: number) => Boolean(items.set(key, { value, flags, cas: Math.random() }))
 * const client: MemcacheClient<number> = {
 *   gets: async (key) => items.get(key),
 *   cas: async (key, value, flags, cas) => items.get(key)?.cas === cas && put(key, value, flags),
 *   add: async (key, value, flags) => !items.has(key) && put(key, value, flags),
 *   delete: async (key) => items.delete(key),
 * }
 * const sessions = webapp2Sessions({ secretKey: 'my-super-secret-key', name: 'session', backend: webapp2Memcache(client) })
 * const sid = await sessions.create({ user: 'ada' })
 * console.log(await sessions.read(`session=${sessions.cookie(sid)}`))
 * ```
 */
export function webapp2Memcache<Cas>(client: MemcacheClient<Cas>): Webapp2Backend {
  if ((['gets', 'cas', 'add', 'delete'] as const).some((name) => typeof client?.[name] !== 'function'))
    throw invalid('webapp2Memcache takes a client with the functions gets, cas, add and delete')

  return {
    async read(sid) {
      const item = await asked('gets', client.gets(sid))
      const stored = item ? storedIn(item) : null
      return stored === null || typeof stored === 'string' ? stored : stored.values
    },

    update: (sid, edit) =>
      untilWon<Looked>(async () => {
        const item = await asked('gets', client.gets(sid))
        const stored = item ? storedIn(item) : null
        if (!item || stored === null || typeof stored === 'string') return stored as Looked
        const edited = stored.edited(edit)
        if (edited === null) return stored.values
        return (await asked('cas', client.cas(sid, edited.form, pickleFlags, item.cas))) ? edited.values : 'lost'
      }),

    create: (sid, values) => asked('add', client.add(sid, pickledValues(values), pickleFlags)),

    async delete(sid) {
      await asked('delete', client.delete(sid))
    },
  }
}

function storedIn({ value, flags }: MemcacheItem): ReturnType<typeof pickled> {
  return flags === pickleFlags ? pickled(value) : 'malformed'
}

async function asked<T>(what: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw unavailable(`memcached ${what}`, error)
  }
}

/** The key under which App Engine's memcache keeps something. */
export function memcacheKey(key: string): string {
  return Buffer.byteLength(key) > keyBytesMax ? hash('sha1', key, 'hex') : key
}

/** One value of App Engine's memcache, by its flags. */
export function memcacheValue({ value, flags }: MemcacheItem): PickleResult {
  const bytes = Buffer.from(value)
  if (flags === pickleFlags) return readPickle(value)
  const text = textOf(bytes)
  if (flags === 0) return { ok: true, value: text ?? Uint8Array.from(value) }
  if (flags === 1 && text !== null) return { ok: true, value: text }
  if ((flags === 3 || flags === 4) && bytes.length <= digitsMax && /^-?\d+$/.test(text ?? '')) {
    const number = Number(text)
    return { ok: true, value: Number.isSafeInteger(number) ? number : BigInt(text as string) }
  }
  if (flags === 5 && (text === '0' || text === '1')) return { ok: true, value: text === '1' }
  return { ok: false, reason: 'malformed' }
}
