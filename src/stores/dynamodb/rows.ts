import { setTimeout as sleep } from 'node:timers/promises'
import type { Row, StoredRow } from '../../core/types.ts'
import { tooLarge } from '../common/errors.ts'
import { type Filed, filedOf, userTag, versionOf } from '../common/filed.ts'
import { versionMint } from '../common/versions.ts'
import { attemptsOf, type DynamodbClient, type DynamodbItem, isRefused, isTooLarge } from './client.ts'
import { bytesOf, itemOf, Keys, rowOf, ttlOf } from './items.ts'

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html */
const itemBytesMax = 409_600
const keysPerBatch = 100
const idleTriesMax = 6

export class Rows {
  readonly #client: DynamodbClient
  readonly #table: string
  readonly #keys: Keys
  readonly #mint = versionMint()

  constructor(client: DynamodbClient, table: string, prefix: string) {
    this.#client = client
    this.#table = table
    this.#keys = new Keys(prefix)
  }

  async find(id: string): Promise<StoredRow | null> {
    const { Item } = await this.#client.getItem({ TableName: this.#table, Key: this.#keys.row(id), ConsistentRead: true })
    return rowOf(id, Item)
  }

  async findMany(ids: readonly string[]): Promise<(StoredRow | null)[]> {
    if (ids.length < 2) return Promise.all(ids.map((id) => this.find(id)))
    const items = await this.#itemsOf(ids)
    return ids.map((id) => rowOf(id, items.get(id)))
  }

  async put(row: Row, expected: string | null): Promise<string | null> {
    const before = expected === null ? null : filedOf(expected)
    if (expected !== null && before === null) return null
    if (bytesOf(row) > itemBytesMax) throw tooLarge('dynamodbStore', bytesOf(row), itemBytesMax)
    const due = await this.#file(row, before)
    const version = versionOf({ point: this.#mint(), entry: due.toString(36), tag: userTag(row.user) })
    try {
      await this.#client.putItem({
        TableName: this.#table,
        Item: itemOf(this.#keys.row(row.id), row, version),
        ...(expected === null
          ? { ConditionExpression: 'attribute_not_exists(pk)' }
          : {
              ConditionExpression: '#version = :expected',
              ExpressionAttributeNames: { '#version': 'version' },
              ExpressionAttributeValues: { ':expected': { S: expected } },
            }),
      })
      return version
    } catch (error) {
      if (isTooLarge(error)) throw tooLarge('dynamodbStore', bytesOf(row), itemBytesMax)
      if (!isRefused(error)) throw error
      return attemptsOf(error) === 1 ? null : this.#whatBecameOf(row.id, version)
    }
  }

  async delete(id: string): Promise<void> {
    const removal = { TableName: this.#table, Key: this.#keys.row(id), ReturnValues: 'ALL_OLD' }
    const { Attributes } = await this.#client.deleteItem(removal)
    const { user, version } = rowOf(id, Attributes) ?? { user: null, version: '' }
    const filed = filedOf(version)
    if (user !== null && filed !== null) await this.#unfile(user, id, Number.parseInt(filed.entry, 36))
  }

  async idsOf(user: string): Promise<string[]> {
    const ids: string[] = []
    for (let start: DynamodbItem | undefined; ;) {
      const page = await this.#client.query({
        TableName: this.#table,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :user',
        ExpressionAttributeValues: { ':user': this.#keys.entries(user) },
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      })
      for (const { sk } of page.Items ?? []) if (sk?.S !== undefined) ids.push(sk.S)
      start = page.LastEvaluatedKey
      if (start === undefined) break
    }
    const items = await this.#itemsOf(ids)
    return ids.filter((id) => items.get(id)?.['user']?.S === user)
  }

  async page(cursor: string | null, limit: number): Promise<{ ids: string[]; cursor: string | null }> {
    const { Items = [], LastEvaluatedKey } = await this.#client.scan({
      TableName: this.#table,
      Limit: limit,
      ProjectionExpression: 'pk, sk',
      ...(cursor === null ? {} : { ExclusiveStartKey: JSON.parse(cursor) as DynamodbItem }),
    })
    const ids = Items.map((item) => this.#keys.idOf(item)).filter((id) => id !== null)
    return { ids, cursor: LastEvaluatedKey === undefined ? null : JSON.stringify(LastEvaluatedKey) }
  }

  /**
   * Before the row is written: the index may name too many ids, never too few. An entry outlives the row it was written for, so for a
   * session in use it is written once in an idle timeout, not with every put.
   */
  async #file({ id, user, expiresAt }: Row, before: Filed | null): Promise<number> {
    if (user === null) return 0
    const dueBefore = before?.tag === userTag(user) ? Number.parseInt(before.entry, 36) : 0
    if (dueBefore >= expiresAt) return dueBefore
    const due = Math.ceil(expiresAt + Math.max(0, expiresAt - Date.now()))
    await this.#unlessRefused(
      this.#client.updateItem({
        TableName: this.#table,
        Key: this.#keys.entry(user, id),
        UpdateExpression: 'SET #due = :due, #ttl = :ttl',
        ConditionExpression: 'attribute_not_exists(#due) OR #due < :due',
        ExpressionAttributeNames: { '#due': 'due', '#ttl': 'ttl' },
        ExpressionAttributeValues: { ':due': { N: String(due) }, ':ttl': ttlOf(due) },
      }),
    )
    return due
  }

  /** Takes a row out of the index, unless somebody has filed it anew. */
  async #unfile(user: string, id: string, due: number): Promise<void> {
    await this.#unlessRefused(
      this.#client.deleteItem({
        TableName: this.#table,
        Key: this.#keys.entry(user, id),
        ConditionExpression: '#due = :due',
        ExpressionAttributeNames: { '#due': 'due' },
        ExpressionAttributeValues: { ':due': { N: String(due) } },
      }),
    )
  }

  async #unlessRefused(call: Promise<unknown>): Promise<void> {
    try {
      await call
    } catch (error) {
      if (!isRefused(error)) throw error
    }
  }

  /** The client has sent a put more than once, and the last one was refused: by somebody else's row, or by the one an earlier one wrote. */
  async #whatBecameOf(id: string, version: string): Promise<string> {
    if ((await this.find(id))?.version === version) return version
    throw new Error('the client repeated a write that got no answer, and whether it was done cannot be told')
  }

  async #itemsOf(ids: readonly string[]): Promise<Map<string, DynamodbItem>> {
    const found = new Map<string, DynamodbItem>()
    const wanted = [...new Set(ids)]
    const batches = Array.from({ length: Math.ceil(wanted.length / keysPerBatch) }, (_, n) =>
      wanted.slice(n * keysPerBatch, (n + 1) * keysPerBatch).map((id) => this.#keys.row(id)),
    )
    await Promise.all(batches.map((keys) => this.#batch(keys, found)))
    return found
  }

  /** DynamoDB answers 16 MB at most, and leaves out what its capacity does not allow just now. */
  async #batch(keys: readonly DynamodbItem[], found: Map<string, DynamodbItem>): Promise<void> {
    let left: readonly DynamodbItem[] = keys
    for (let idle = 0; left.length > 0;) {
      if (idle === idleTriesMax) throw new Error(`DynamoDB leaves out ${left.length} of ${keys.length} rows; raise the table's capacity`)
      if (idle > 0) await sleep(10 * 2 ** idle)
      const { Responses, UnprocessedKeys } = await this.#client.batchGetItem({
        RequestItems: { [this.#table]: { Keys: left, ConsistentRead: true } },
      })
      for (const item of Responses?.[this.#table] ?? []) found.set(this.#keys.idOf(item) ?? '', item)
      const leftOut = UnprocessedKeys?.[this.#table]?.Keys ?? []
      idle = leftOut.length < left.length ? 0 : idle + 1
      left = leftOut
    }
  }
}
