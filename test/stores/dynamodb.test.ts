import { DynamoDB } from '@aws-sdk/client-dynamodb'
import { beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../scripts/servers/launch.ts'
import { dynamodbStore } from '../../src/stores/dynamodb.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { clientFor, dynamodb } from './profiles/dynamodb.ts'
import { hourMs, newId, refusing, rowFor } from './rows.ts'
import { storeSuite } from './suite.ts'

storeSuite(dynamodb)

const client = clientFor('http://127.0.0.1:1')

describe('dynamodbStore says what is wrong with its options', () => {
  it.each([
    [{}, /new DynamoDB\(\)/],
    [{ client: { send() {} }, table: 'sessions' }, /aggregated client/],
    [{ client }, /table must match/],
    [{ client, table: 'x' }, /table must match/],
    [{ client, table: 'a b c' }, /table must match/],
    [{ client, table: 'sessions', prefix: 'a#' }, /prefix must match/],
    [{ client, table: 'sessions', prefix: 'a\r\nb' }, /prefix must match/],
    [{ client, table: 'sessions', index: 'x' }, /no option index/],
  ])('%#', (options, sentence) => {
    expect(() => dynamodbStore(options as never)).toThrow(sentence)
  })
})

describeWith(['dynamodb'], 'dynamodbStore on DynamoDB', () => {
  const table = `test-${newId()}`
  let url = ''
  let raw: DynamoDB
  let store: ReturnType<typeof dynamodbStore>

  beforeAll(async () => {
    url = await sharedServer('dynamodb')
    raw = clientFor(url, { requestHandler: { requestTimeout: 20_000 } })
    store = dynamodbStore({ client: raw, table })
    await store.migrate()
  })

  it('ready says what to do about a table that is missing, has other keys, or keeps what is over; migrate does it', async () => {
    const other = dynamodbStore({ client: raw, table: `${table}.other` })
    await expect(other.ready?.()).rejects.toThrow(/no table .*await store\.migrate\(\)/)
    await expect(other.ready?.()).rejects.toEqual(refusing('config_invalid'))
    for (const call of [
      () => other.get(newId()),
      () => other.put(rowFor(), null),
      () => other.delete(newId()),
      () => other.idsOf?.('ann'),
    ]) {
      await expect(call()).rejects.toThrow(/create the table: await store\.migrate\(\)/)
      await expect(call()).rejects.toEqual(refusing('store_unavailable'))
    }
    const keys = { KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' as const }], BillingMode: 'PAY_PER_REQUEST' as const }
    const definitions = { AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' as const }] }
    await raw.createTable({ TableName: `${table}.wrong`, ...keys, ...definitions })
    const wrong = dynamodbStore({ client: raw, table: `${table}.wrong` })
    for (const call of [() => wrong.ready?.(), () => wrong.migrate()]) await expect(call()).rejects.toThrow(/other keys than pk and sk/)
    const hoarding = Object.assign(Object.create(raw) as DynamoDB, { describeTimeToLive: async () => ({}) })
    await expect(dynamodbStore({ client: hoarding, table }).ready?.()).rejects.toThrow(/keeps expired sessions/)
    await Promise.all([other.migrate(), dynamodbStore({ client: raw, table: `${table}.other` }).migrate()])
    await other.migrate()
    await other.ready?.()
  })

  it('P-05 items of somebody else are rows that the engine refuses, and no put replaces them', async () => {
    const version = { S: 'x.y.' }
    const expiresAt = { N: '1' }
    for (const item of [{}, { version }, { expiresAt }, { version: { N: '1' }, expiresAt }, { version, expiresAt, body: { N: '1' } }]) {
      const row = rowFor()
      await raw.putItem({ TableName: table, Item: { pk: { S: `s#${row.id}` }, sk: { S: 'session' }, ...item } })
      const foreign = { id: row.id, body: '?', user: null, expiresAt: 0, version: '' }
      expect(await store.get(row.id)).toEqual(foreign)
      expect(await store.getMany?.([row.id, row.id])).toEqual([foreign, foreign])
      expect(await store.put(row, null)).toBe(null)
      expect(await store.put(row, '')).toBe(null)
      await store.delete(row.id)
      expect(await store.get(row.id)).toBe(null)
    }
  })

  it('an empty body comes back', async () => {
    const row = rowFor({ body: '' })
    const version = await store.put(row, null)
    expect(await store.get(row.id)).toEqual({ ...row, version })
    expect(await store.getMany?.([row.id, newId()])).toEqual([{ ...row, version }, null])
  })

  it('L-10 no index entry ends before its row, and a session in use is filed once in an idle timeout', async () => {
    let filings = 0
    const counting = Object.assign(Object.create(raw) as DynamoDB, {
      updateItem: (input: Parameters<DynamoDB['updateItem']>[0]) => {
        filings++
        return raw.updateItem(input)
      },
    })
    const own = dynamodbStore({ client: counting, table })
    const user = `user ${newId()}`
    const row = rowFor({ user })
    let version = await own.put(row, null)
    for (let minutes = 1; minutes <= 150; minutes++) {
      version = await own.put({ ...row, expiresAt: row.expiresAt + minutes * 60_000 }, version)
      const [{ Item: filed }, { Item: kept }] = await Promise.all([
        raw.getItem({ TableName: table, Key: { pk: { S: `u#${user}` }, sk: { S: row.id } } }),
        raw.getItem({ TableName: table, Key: { pk: { S: `s#${row.id}` }, sk: { S: 'session' } } }),
      ])
      expect(Number(filed?.['ttl']?.N)).toBeGreaterThanOrEqual(Number(kept?.['ttl']?.N))
      expect(Number(kept?.['ttl']?.N) * 1000).toBeGreaterThanOrEqual(row.expiresAt + minutes * 60_000)
    }
    expect(filings).toBeLessThanOrEqual(3)
    await own.put({ ...row, user: null }, version)
    expect(await own.idsOf?.(user)).toEqual([])
  })

  it('L-10 whoever files last never shortens an entry, and a delete takes it along unless it was filed anew', async () => {
    const user = `user ${newId()}`
    const row = rowFor({ user })
    const key = { TableName: table, Key: { pk: { S: `u#${user}` }, sk: { S: row.id } } }
    const first = await store.put(row, null)
    const long = await store.put({ ...row, expiresAt: row.expiresAt + 10 * hourMs }, first)
    const due = Number((await raw.getItem(key)).Item?.['due']?.N)
    expect(await store.put({ ...row, user }, first), 'a loser that files for a shorter time').toBe(null)
    await store.put({ ...row, user: 'someone else' }, long)
    const back = await store.put(row, (await store.get(row.id))?.version ?? '')
    expect(Number((await raw.getItem(key)).Item?.['due']?.N)).toBe(due)
    expect(await store.idsOf?.(user)).toEqual([row.id])
    expect(back).not.toBe(null)
    await store.delete(row.id)
    expect(await store.idsOf?.(user)).toEqual([])
    const again = rowFor({ user })
    await store.put(again, null)
    await store.delete(again.id)
    expect((await raw.getItem({ ...key, Key: { ...key.Key, sk: { S: again.id } } })).Item).toBe(undefined)
  })

  it('F-22 prefixes in one table do not see each other, whatever users are called', async () => {
    const [one, two] = [dynamodbStore({ client: raw, table, prefix: 'a' }), dynamodbStore({ client: raw, table, prefix: 'au' })]
    const [mine, other] = [rowFor({ user: '#s#x' }), rowFor({ user: '#s#x' })]
    await one.put(mine, null)
    await two.put(other, null)
    expect(await one.get(other.id)).toBe(null)
    expect(await one.idsOf?.('#s#x')).toEqual([mine.id])
    expect(await two.idsOf?.('#s#x')).toEqual([other.id])
    const seen: string[] = []
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await two.scan?.(cursor ?? null, 50)
      seen.push(...(page?.ids ?? []))
      cursor = page?.cursor ?? null
    }
    expect(seen).toEqual([other.id])
    await expect(one.scan?.('not a cursor', 10)).rejects.toEqual(refusing('store_unavailable'))
  })

  it('reads more rows than one answer holds, and a user with more sessions than one page', async () => {
    const short = Object.assign(Object.create(raw) as DynamoDB, {
      query: (input: Parameters<DynamoDB['query']>[0]) => raw.query({ ...input, Limit: 7 }),
    })
    const own = dynamodbStore({ client: short, table })
    const user = `user ${newId()}`
    const rows = Array.from({ length: 110 }, (_, n) => rowFor({ user, body: n < 12 ? 'x'.repeat(390_000) : '' }))
    for (const row of rows) await own.put(row, null)
    const found = await own.getMany?.(rows.map(({ id }) => id))
    expect(found?.map((row) => row?.id)).toEqual(rows.map(({ id }) => id))
    expect(found?.every((row, n) => row?.body === rows[n]?.body)).toBe(true)
    expect((await own.idsOf?.(user))?.toSorted()).toEqual(rows.map(({ id }) => id).toSorted())
  })

  it('gives up on rows that DynamoDB leaves out again and again', async () => {
    const starved = Object.assign(Object.create(raw) as DynamoDB, {
      batchGetItem: async ({ RequestItems }: { readonly RequestItems: object }) => ({ Responses: {}, UnprocessedKeys: RequestItems }),
    })
    const call = dynamodbStore({ client: starved, table }).getMany?.([newId(), newId()])
    await expect(call).rejects.toThrow(/leaves out 2 of 2 rows.*capacity/)
  })

  it('a row just over the limit is session_too_large, one just under it is kept', async () => {
    await expect(store.put(rowFor({ body: 'é'.repeat(204_800) }), null)).rejects.toEqual(refusing('session_too_large'))
    const row = rowFor({ body: 'é'.repeat(204_400), user: 'ann' })
    expect(await store.put(row, null)).not.toBe(null)
    expect((await store.get(row.id))?.body).toBe(row.body)
  })

  it('F-01 where nobody answers, ready and all else reject with store_unavailable', async () => {
    const nobody = dynamodbStore({ client: clientFor(`http://127.0.0.1:${await freePort()}`, { maxAttempts: 1 }), table })
    for (const call of [() => nobody.ready?.(), () => nobody.get(newId()), () => nobody.put(rowFor(), null), () => nobody.migrate()]) {
      await expect(call()).rejects.toEqual(refusing('store_unavailable'))
    }
  })

  it('says what to do where there are no credentials', async () => {
    const credentials = async (): Promise<never> => {
      throw Object.assign(new Error('Could not load credentials from any providers'), { name: 'CredentialsProviderError' })
    }
    const stranger = dynamodbStore({ client: clientFor(url, { credentials }), table })
    await expect(stranger.ready?.()).rejects.toThrow(/check the client's credentials and region/)
    await expect(stranger.get(newId())).rejects.toEqual(refusing('store_unavailable'))
  })
})
