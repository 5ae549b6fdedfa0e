/** Reads and writes of rows, each under the server's version of an entity. */
import type { StoredRow } from '../../core/types.ts'
import type { MarkedRows, Seen } from '../google/marked.ts'
import { status, statusOf, whileAborted } from '../google/status.ts'
import { type Call, strong } from './calls.ts'
import { type EntityResult, entityOf, expiryOf, idOf, type Key, keyName, rowOf } from './entities.ts'

/** How the server says that what a mutation expected is not so. A missing database says the same; the look that follows tells. */
const refusals: ReadonlySet<number | null> = new Set([status.notFound, status.alreadyExists, status.failedPrecondition])

export class Rows implements MarkedRows<string> {
  readonly #call: Call
  readonly #kind: string
  readonly #namespaceId: string
  readonly #indexExpiry: boolean

  constructor(call: Call, kind: string, namespaceId: string, indexExpiry: boolean) {
    this.#call = call
    this.#kind = kind
    this.#namespaceId = namespaceId
    this.#indexExpiry = indexExpiry
  }

  async read(ids: readonly string[]): Promise<(Seen<string> | null)[]> {
    const seen = new Map<string, Seen<string>>()
    let keys: readonly unknown[] = ids.map((id) => this.#key(id))
    while (keys.length > 0) {
      const { found, deferred } = (await this.#call('lookup', { readOptions: strong, keys })) as LookupResponse
      for (const result of found ?? []) {
        const id = idOf(result)
        const row = id === null ? null : rowOf(id, result)
        if (row !== null) seen.set(row.id, { row, mark: String(result.version) })
      }
      // What did not fit into one answer.
      const left = deferred ?? []
      if (left.length === keys.length) throw new Error('the server defers every key of a lookup')
      keys = left
    }
    return ids.map((id) => seen.get(id) ?? null)
  }

  create(row: StoredRow): Promise<string | null> {
    return this.#commitOne({ insert: this.#entity(row) })
  }

  replace(row: StoredRow, mark: string): Promise<string | null> {
    return this.#commitOne({ update: this.#entity(row), ...under(mark) })
  }

  prolong(row: StoredRow, mark: string): Promise<string | null> {
    return this.replace(row, mark)
  }

  remove(id: string): Promise<unknown> {
    return this.#send([{ delete: this.#key(id) }])
  }

  /** Removes what still is as it was seen; answers how many are gone. */
  async removeExpired(results: readonly EntityResult[], now: number): Promise<number> {
    const due = results.flatMap((result) => {
      const id = idOf(result)
      const over = (expiryOf(result) ?? now) < now
      return id !== null && over ? [{ id, mutation: { delete: this.#key(id), ...under(String(result.version)) } }] : []
    })
    if (due.length === 0) return 0
    const together = await this.#commit(due.map(({ mutation }) => mutation))
    if (together !== null) return together.filter((version) => version !== null).length
    // One that changed meanwhile fails the commit, and the server does not say which of the others went all the same.
    await Promise.all(due.map(({ mutation }) => this.#commitOne(mutation)))
    const left = await this.read(due.map(({ id }) => id))
    return left.filter((seen) => seen === null).length
  }

  async #commitOne(mutation: object): Promise<string | null> {
    const versions = await this.#commit([mutation])
    return versions?.[0] ?? null
  }

  /** The new version of each entity, or `null` for a conflict; `null` when nothing was written at all. */
  async #commit(mutations: readonly object[]): Promise<(string | null)[] | null> {
    try {
      const { mutationResults } = await this.#send(mutations)
      return (mutationResults ?? []).map(({ conflictDetected, version }) => (conflictDetected === true ? null : String(version)))
    } catch (error) {
      if (refusals.has(statusOf(error))) return null
      throw error
    }
  }

  async #send(mutations: readonly object[]): Promise<CommitResponse> {
    const commit = (): Promise<unknown> => this.#call('commit', { mode: 'NON_TRANSACTIONAL', mutations })
    return (await whileAborted(commit)) as CommitResponse
  }

  #entity(row: StoredRow): object {
    return entityOf(row, this.#key(row.id), this.#indexExpiry)
  }

  #key(id: string): Key {
    return { partitionId: { namespaceId: this.#namespaceId }, path: [{ kind: this.#kind, name: keyName(id) }] }
  }
}

function under(version: string): object {
  return { baseVersion: version, conflictResolutionStrategy: 'FAIL' }
}

interface LookupResponse {
  readonly found?: readonly EntityResult[] | null
  readonly deferred?: readonly unknown[] | null
}

interface CommitResponse {
  readonly mutationResults?: readonly { readonly conflictDetected?: unknown; readonly version?: unknown }[] | null
}
