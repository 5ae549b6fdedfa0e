/** The requests on one prefix. Each is one round trip, but for a delete of a signed-in session and the first write of an hour. */
import type { Row, StoredRow } from '../../core/types.ts'
import { tooLarge } from '../common/errors.ts'
import { type Filed, filedOf, userTag, versionOf } from '../common/filed.ts'
import { frame } from '../common/framed.ts'
import { base64, type KeyValue, namesIn, type Range, rowOf, type Txn } from './answers.ts'
import type { Gateway } from './gateway.ts'
import { Leases } from './leases.ts'
import { isLeaseGone, isTooLarge } from './server.ts'

/** etcd takes 128 operations in a transaction unless it is told otherwise (`--max-txn-ops`). */
const readsPerTxn = 100
const revision = /^[1-9]\d*$/
/** More than the keys, the lease and the frame of a request take. */
const aroundBytes = 1_024

export class Rows {
  readonly #gateway: Gateway
  readonly #prefix: string
  readonly #bytesMax: number
  readonly #leases: Leases

  constructor(gateway: Gateway, prefix: string, bytesMax: number) {
    this.#gateway = gateway
    this.#prefix = prefix
    this.#bytesMax = bytesMax
    this.#leases = new Leases(gateway)
  }

  keyOf(id: string): string {
    return base64(`${this.#prefix}s/${id}`)
  }

  async find(id: string): Promise<StoredRow | null> {
    const { kvs = [] } = await this.#gateway.call<Range>('/v3/kv/range', { key: this.keyOf(id) })
    return rowOf(id, kvs[0])
  }

  async findMany(ids: readonly string[]): Promise<(StoredRow | null)[]> {
    if (ids.length > readsPerTxn) {
      return [...(await this.findMany(ids.slice(0, readsPerTxn))), ...(await this.findMany(ids.slice(readsPerTxn)))]
    }
    if (ids.length < 2) return Promise.all(ids.map((id) => this.find(id)))
    const reads = ids.map((id) => ({ request_range: { key: this.keyOf(id) } }))
    const { responses = [] } = await this.#gateway.call<Txn>('/v3/kv/txn', { success: reads })
    return ids.map((id, n) => rowOf(id, responses[n]?.response_range?.kvs?.[0]))
  }

  async put(row: Row, expected: string | null): Promise<string | null> {
    const before = expected === null ? null : filedOf(expected)
    if (expected !== null && (before === null || !revision.test(before.point))) return null
    const { user, expiresAt } = row
    const value = frame({ user, expiresAt }, row.body)
    const bytes = Buffer.byteLength(value) + aroundBytes
    if (bytes > this.#bytesMax) throw tooLarge('etcdStore', bytes, this.#bytesMax)
    const lease = await this.#leases.lasting(expiresAt)
    try {
      return await this.#write(row, base64(value), lease, before)
    } catch (error) {
      if (isTooLarge(error)) throw tooLarge('etcdStore', bytes, bytes - 1)
      if (!isLeaseGone(error)) throw error
      // Nothing was written: somebody has revoked the lease, or this machine has slept.
      await this.#leases.forget(lease)
      return this.#write(row, base64(value), await this.#leases.lasting(expiresAt), before)
    }
  }

  /** Writes the row, and its entry in the index where that is not as it should be. */
  async #write({ id, user }: Row, value: string, lease: string, before: Filed | null): Promise<string | null> {
    const [key, tag, tagBefore] = [this.keyOf(id), userTag(user), before?.tag ?? '']
    const success: object[] = [{ request_put: { key, value, lease } }]
    if (tagBefore !== '' && tagBefore !== tag) success.push({ request_delete_range: { key: this.#entry(tagBefore, id) } })
    if (tag !== '' && (tagBefore !== tag || before?.entry !== lease)) success.push({ request_put: { key: this.#entry(tag, id), lease } })
    const compare = [{ key, target: 'MOD', result: 'EQUAL', mod_revision: before?.point ?? '0' }]
    const { succeeded = false, header } = await this.#gateway.call<Txn>('/v3/kv/txn', { compare, success })
    return succeeded ? versionOf({ point: header.revision, entry: lease, tag }) : null
  }

  async delete(id: string): Promise<void> {
    const key = this.keyOf(id)
    const { prev_kvs = [] } = await this.#gateway.call<{ prev_kvs?: KeyValue[] }>('/v3/kv/deleterange', { key, prev_kv: true })
    const tag = userTag(rowOf(id, prev_kvs[0])?.user ?? null)
    if (tag === '') return
    // A row that somebody made meanwhile keeps the entry.
    const compare = [{ key, target: 'MOD', result: 'EQUAL', mod_revision: '0' }]
    await this.#gateway.call('/v3/kv/txn', { compare, success: [{ request_delete_range: { key: this.#entry(tag, id) } }] })
  }

  async idsOf(user: string): Promise<string[]> {
    return (await namesIn(this.#gateway, `${this.#prefix}u/${userTag(user)}/`, null, 0)).names
  }

  async page(cursor: string | null, limit: number): Promise<{ ids: string[]; cursor: string | null }> {
    const { names, last } = await namesIn(this.#gateway, `${this.#prefix}s/`, cursor, limit)
    return { ids: names, cursor: last }
  }

  #entry(tag: string, id: string): string {
    return base64(`${this.#prefix}u/${tag}/${id}`)
  }
}
