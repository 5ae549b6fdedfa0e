/** Rows and entries of the user index as items. */
import type { Row, StoredRow } from '../../core/types.ts'
import { foreignRow } from '../common/filed.ts'
import type { DynamodbItem } from './client.ts'

/** DynamoDB may drop what is over at once, going by its own clock. */
const spareSeconds = 3_600
/** More than all attributes but the body and the user take, names included. */
const aroundBytes = 512
const rowMark = 'session'

/** Where things are. No prefix has a `#`, so no user and no other prefix can name another's key. */
export class Keys {
  readonly rows: string
  readonly #entries: string

  constructor(prefix: string) {
    this.rows = `${prefix}s#`
    this.#entries = `${prefix}u#`
  }

  row(id: string): DynamodbItem {
    return { pk: { S: `${this.rows}${id}` }, sk: { S: rowMark } }
  }

  entry(user: string, id: string): DynamodbItem {
    return { pk: this.entries(user), sk: { S: id } }
  }

  entries(user: string): { readonly S: string } {
    return { S: `${this.#entries}${user}` }
  }

  /** The id of a row's key; `null` for any other key. */
  idOf({ pk, sk }: DynamodbItem): string | null {
    return sk?.S === rowMark && pk?.S?.startsWith(this.rows) === true ? pk.S.slice(this.rows.length) : null
  }
}

export function itemOf(key: DynamodbItem, { body, user, expiresAt }: Row, version: string): DynamodbItem {
  return {
    ...key,
    // An empty text is something that not every DynamoDB takes.
    ...(body === '' ? {} : { body: { S: body } }),
    ...(user === null ? {} : { user: { S: user } }),
    expiresAt: { N: String(expiresAt) },
    version: { S: version },
    ttl: ttlOf(expiresAt),
  }
}

export function rowOf(id: string, item: DynamodbItem | undefined): StoredRow | null {
  if (item === undefined) return null
  const { body, user, expiresAt, version } = item
  const wrong =
    version?.S === undefined || expiresAt?.N === undefined || (body ?? { S: '' }).S === undefined || (user ?? { S: '' }).S === undefined
  if (wrong) return foreignRow(id)
  return { id, body: body?.S ?? '', user: user?.S ?? null, expiresAt: Number(expiresAt.N), version: version.S }
}

export function bytesOf({ body, user }: Row): number {
  return Buffer.byteLength(body) + Buffer.byteLength(user ?? '') + aroundBytes
}

/** Unix seconds from which on DynamoDB may drop an item. */
export function ttlOf(time: number): { readonly N: string } {
  return { N: String(Math.ceil(time / 1000) + spareSeconds) }
}
