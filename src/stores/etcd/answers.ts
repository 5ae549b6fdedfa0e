import type { StoredRow } from '../../core/types.ts'
import { foreignRow, userTag, versionOf } from '../common/filed.ts'
import { unframe } from '../common/framed.ts'
import type { Gateway } from './gateway.ts'

/** What the gateway answers: keys and values in base64, 64-bit numbers as text, zero and false and nothing left out. */
export interface KeyValue {
  readonly key: string
  readonly value?: string
  readonly mod_revision: string
  readonly lease?: string
}

export interface Range {
  readonly kvs?: readonly KeyValue[]
}

export interface Txn {
  readonly header: { readonly revision: string }
  readonly succeeded?: boolean
  readonly responses?: readonly { readonly response_range?: Range }[]
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function textOf(value: string): string {
  return Buffer.from(value, 'base64').toString()
}

export function rowOf(id: string, found: KeyValue | undefined): StoredRow | null {
  if (found === undefined) return null
  const { columns: { user, expiresAt } = {}, body } = unframe(textOf(found.value ?? '')) ?? { body: '' }
  if ((user !== null && typeof user !== 'string') || typeof expiresAt !== 'number') return foreignRow(id)
  const version = versionOf({ point: found.mod_revision, entry: found.lease ?? '', tag: userTag(user) })
  return { id, body, user, expiresAt, version }
}

export interface Page {
  readonly names: string[]
  /** The last name of the page; `null` when it was the last page. */
  readonly last: string | null
}

/** The names in a folder (`…/`) after one of them, in order; at most `limit`, or all with 0. */
export async function namesIn(gateway: Gateway, folder: string, after: string | null, limit: number): Promise<Page> {
  const key = base64(after === null ? folder : `${folder}${after}\0`)
  // `0` comes right after `/`.
  const end = base64(`${folder.slice(0, -1)}0`)
  const { kvs = [] } = await gateway.call<Range>('/v3/kv/range', { key, range_end: end, limit: String(limit), keys_only: true })
  const names = kvs.map((one) => textOf(one.key).slice(folder.length))
  const last = limit === 0 || names.length < limit ? null : (names.at(-1) ?? null)
  // What has a folder of its own there belongs to a store with a longer prefix.
  return { names: names.filter((name) => !name.includes('/')), last }
}
