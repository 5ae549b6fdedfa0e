import { DynamoDB } from '@aws-sdk/client-dynamodb'
import { expect, it } from 'vitest'
import { dynamodbStore } from '../../src/stores/dynamodb.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { clientFor } from './profiles/dynamodb.ts'
import { newId, refusing, rowFor } from './rows.ts'

type Handler = { handle(request: { readonly headers: Record<string, string> }, options: object): Promise<unknown> }

/** A client that loses the reply to its first put, after which something may happen, and then repeats it by itself. */
function losingFirst(url: string, meanwhile: () => Promise<unknown>): DynamoDB {
  const inner = clientFor(url)
  const handler = inner.config.requestHandler as unknown as Handler
  let lost = false
  const requestHandler: Handler = {
    async handle(request, options) {
      const answer = await handler.handle(request, options)
      if (lost || request.headers['x-amz-target']?.endsWith('.PutItem') !== true) return answer
      lost = true
      await meanwhile()
      throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
    },
  }
  return clientFor(url, { requestHandler })
}

describeWith(['dynamodb'], 'dynamodbStore when the SDK repeats a put that it got no answer to', () => {
  const table = `test-${newId()}`

  async function place(
    meanwhile: () => Promise<unknown>,
  ): Promise<{ direct: ReturnType<typeof dynamodbStore>; behind: ReturnType<typeof dynamodbStore> }> {
    const url = await sharedServer('dynamodb')
    const direct = dynamodbStore({ client: clientFor(url), table })
    await direct.migrate()
    return { direct, behind: dynamodbStore({ client: losingFirst(url, meanwhile), table }) }
  }

  it('F-07 the put that was done is known again: one row, one version', async () => {
    const { direct, behind } = await place(async () => null)
    const row = rowFor({ user: 'ann' })
    const version = await behind.put(row, null)
    expect(version).not.toBe(null)
    expect(await direct.get(row.id)).toEqual({ ...row, version })
  })

  it('F-07 so is one on a version', async () => {
    const row = rowFor()
    const { direct, behind } = await place(async () => null)
    const first = await direct.put(row, null)
    const version = await behind.put({ ...row, body: '"second"' }, first)
    expect(await direct.get(row.id)).toEqual({ ...row, body: '"second"', version })
  })

  it('F-07 when somebody has written since, nobody is told that the race was lost: it may have been won', async () => {
    const row = rowFor()
    const places = await place(async () => {
      const found = await places.direct.get(row.id)
      await places.direct.put({ ...row, body: '"third"' }, found?.version ?? '')
    })
    const first = await places.direct.put(row, null)
    await expect(places.behind.put({ ...row, body: '"second"' }, first)).rejects.toEqual(refusing('store_unavailable'))
    expect((await places.direct.get(row.id))?.body).toBe('"third"')
  })

  it('R-02 and when it was deleted since, it stays deleted', async () => {
    const row = rowFor()
    const places = await place(() => places.direct.delete(row.id))
    const first = await places.direct.put(row, null)
    await expect(places.behind.put({ ...row, body: '"second"' }, first)).rejects.toEqual(refusing('store_unavailable'))
    expect(await places.direct.get(row.id)).toBe(null)
  })

  it('a race that is lost at the first attempt is a lost race', async () => {
    const { direct } = await place(async () => null)
    const row = rowFor()
    const first = await direct.put(row, null)
    await direct.put(row, first)
    expect(await direct.put(row, first)).toBe(null)
    expect(await direct.put(row, null)).toBe(null)
  })
})
