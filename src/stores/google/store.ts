/** A whole store out of rows under marks and queries, with every failure in the words of coatcheck. */
import type { SessionStore } from '../../core/types.ts'
import { invalid } from '../common/options.ts'
import { fault, isIndexable } from './limits.ts'
import { type MarkedRows, SwappedRows } from './marked.ts'
import { failure, unfit } from './status.ts'

export interface Queries {
  idsOf(user: string): Promise<string[]>
  scan(cursor: string | null, limit: number): Promise<{ ids: string[]; cursor: string | null }>
  sweep(now: number, limit: number): Promise<number>
}

/** With `ttlPolicy` Google deletes what has expired, and nobody sweeps. */
export function googleStore<Mark>(name: string, rows: MarkedRows<Mark>, queries: Queries, ttlPolicy: boolean): SessionStore {
  const swapped = new SwappedRows(rows)
  const fail = (error: unknown): never => {
    throw failure(name, error)
  }
  return {
    guarantees: { compareAndSwap: true, durable: true, mayEvict: false, userIndex: true },
    get: (id) => swapped.get(id).catch(fail),
    getMany: (ids) => swapped.getMany(ids).catch(fail),
    put(row, expected) {
      const wrong = fault(name, row)
      return wrong === null ? swapped.put(row, expected).catch(fail) : Promise.reject(wrong)
    },
    delete: (id) => swapped.delete(id).catch(fail),
    touch: (id, expiresAt) => swapped.touch(id, expiresAt).catch(fail),
    idsOf: async (user) => (isIndexable(user) ? queries.idsOf(user).catch(fail) : []),
    scan: (cursor, limit) => queries.scan(cursor, limit).catch(fail),
    ...(ttlPolicy ? {} : { sweep: (now, limit) => queries.sweep(now, limit).catch(fail) }),
    // The query that is asked most of the server: it needs the account, the database and the index.
    async ready() {
      await queries.idsOf('').catch((error: unknown) => {
        throw unfit(name, error)
      })
    },
  }
}

export function checkedPolicy(name: string, ttlPolicy: boolean): boolean {
  if (typeof ttlPolicy === 'boolean') return ttlPolicy
  throw invalid(`${name}: ttlPolicy must be true or false`)
}

/** What a kind and a collection may be called: nothing that the server keeps for itself, nothing with a path in it. */
export const nameShape = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/
