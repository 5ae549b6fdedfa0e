/** A row as an entity and back, in the words of https://cloud.google.com/datastore/docs/reference/data/rpc/google.datastore.v1 */
import type { StoredRow } from '../../core/types.ts'

export interface Key {
  readonly partitionId: { readonly namespaceId: string }
  readonly path: readonly { readonly kind: string; readonly name: string }[]
}

export interface EntityResult {
  readonly entity?: {
    readonly key?: { readonly path?: readonly { readonly kind?: unknown; readonly name?: unknown }[] | null } | null
    readonly properties?: Properties | null
  } | null
  readonly version?: unknown
}

type Properties = Readonly<Record<string, Value>>

interface Value {
  readonly stringValue?: unknown
  readonly timestampValue?: { readonly seconds?: unknown; readonly nanos?: unknown } | null
}

/** Begins every key, because `__…__` is the server's own and a random id may look like that. */
const prefix = 's-'

export function keyName(id: string): string {
  return prefix + id
}

/** The id in a key of ours; `null` for anybody else's. */
export function idOf({ entity }: EntityResult): string | null {
  const [only, ...more] = entity?.key?.path ?? []
  const name = only?.name
  return more.length === 0 && typeof name === 'string' && name.startsWith(prefix) ? name.slice(prefix.length) : null
}

export function entityOf({ body, user, expiresAt, version }: StoredRow, key: Key, indexExpiry: boolean): object {
  return {
    key,
    properties: {
      body: { stringValue: body, excludeFromIndexes: true },
      version: { stringValue: version, excludeFromIndexes: true },
      expireAt: { timestampValue: timestampOf(expiresAt), excludeFromIndexes: !indexExpiry },
      // Null would be indexed too, for nobody.
      ...(user === null ? {} : { user: { stringValue: user } }),
    },
  }
}

/** `null` for an entity that this store did not write. */
export function rowOf(id: string, { entity }: EntityResult): StoredRow | null {
  // Own properties only: a polluted `Object.prototype` owns no session.
  const { body, user, version, expireAt } = Object.assign<object, Properties>(Object.create(null), { ...entity?.properties })
  const expiresAt = millisOf(expireAt)
  const owner = user === undefined ? null : user.stringValue
  if (typeof body?.stringValue !== 'string' || typeof version?.stringValue !== 'string' || expiresAt === null) return null
  if (owner !== null && typeof owner !== 'string') return null
  return { id, body: body.stringValue, user: owner, expiresAt, version: version.stringValue }
}

export function expiryOf({ entity }: EntityResult): number | null {
  return millisOf(entity?.properties?.['expireAt'])
}

export function timestampOf(ms: number): { seconds: number; nanos: number } {
  const seconds = Math.floor(ms / 1_000)
  return { seconds, nanos: (ms - seconds * 1_000) * 1_000_000 }
}

function millisOf(value: Value | undefined): number | null {
  const { seconds, nanos } = value?.timestampValue ?? {}
  const ms = Number(seconds ?? NaN) * 1_000 + Math.floor(Number(nanos ?? 0) / 1_000_000)
  return Number.isSafeInteger(ms) ? ms : null
}
