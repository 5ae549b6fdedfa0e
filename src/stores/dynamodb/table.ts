import { setTimeout as sleep } from 'node:timers/promises'
import { invalid } from '../common/options.ts'
import { type DynamodbClient, type DynamodbTable, isMissing } from './client.ts'

const schema = [
  { AttributeName: 'pk', KeyType: 'HASH' },
  { AttributeName: 'sk', KeyType: 'RANGE' },
] as const
const ttlAttribute = 'ttl'
const waitMs = 500
const waitMsMax = 60_000

/** Throws `config_invalid` for a table that is missing, has other keys, or keeps what is over. */
export async function checkTable(client: DynamodbClient, table: string): Promise<void> {
  const found = await find(client, table)
  if (found === null) throw invalid(`dynamodbStore: there is no table ${table}; create it with await store.migrate()`)
  checkSchema(found, table)
  if (found.TableStatus !== 'ACTIVE' && found.TableStatus !== 'UPDATING') {
    throw invalid(`dynamodbStore: the table ${table} is ${String(found.TableStatus)}; wait until it is ACTIVE`)
  }
  if (!(await dropsExpired(client, table))) {
    throw invalid(`dynamodbStore: the table ${table} keeps expired sessions; turn its time to live on with await store.migrate()`)
  }
}

/** Creates the table where it is missing, billed on demand, and turns its time to live on. Several processes may do so at once. */
export async function migrateTable(client: DynamodbClient, table: string): Promise<void> {
  if ((await find(client, table)) === null) {
    const creating = client.createTable({
      TableName: table,
      KeySchema: schema,
      AttributeDefinitions: schema.map(({ AttributeName }) => ({ AttributeName, AttributeType: 'S' })),
      BillingMode: 'PAY_PER_REQUEST',
    })
    await unless(creating, async () => (await find(client, table)) !== null)
  }
  checkSchema(await active(client, table), table)
  if (await dropsExpired(client, table)) return
  const specification = { Enabled: true, AttributeName: ttlAttribute }
  await unless(client.updateTimeToLive({ TableName: table, TimeToLiveSpecification: specification }), () => dropsExpired(client, table))
}

/** A failure is none when somebody else has done it. */
async function unless(call: Promise<unknown>, isDone: () => Promise<boolean>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!(await isDone())) throw error
  }
}

async function active(client: DynamodbClient, table: string): Promise<DynamodbTable> {
  for (let waitedMs = 0; waitedMs < waitMsMax; waitedMs += waitMs) {
    const found = await find(client, table)
    if (found?.TableStatus === 'ACTIVE') return found
    await sleep(waitMs)
  }
  throw new Error(`the table ${table} was not ready after ${waitMsMax} ms`)
}

async function find(client: DynamodbClient, table: string): Promise<DynamodbTable | null> {
  try {
    return (await client.describeTable({ TableName: table })).Table ?? null
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

async function dropsExpired(client: DynamodbClient, table: string): Promise<boolean> {
  const { TimeToLiveDescription } = await client.describeTimeToLive({ TableName: table })
  const { TimeToLiveStatus, AttributeName } = TimeToLiveDescription ?? {}
  return AttributeName === ttlAttribute && (TimeToLiveStatus === 'ENABLED' || TimeToLiveStatus === 'ENABLING')
}

function checkSchema({ KeySchema = [], AttributeDefinitions = [] }: DynamodbTable, table: string): void {
  const isText = (name: string): boolean => AttributeDefinitions.some((one) => one.AttributeName === name && one.AttributeType === 'S')
  const fits =
    KeySchema.length === schema.length &&
    schema.every(({ AttributeName, KeyType }, n) => {
      const found = KeySchema[n]
      return found?.AttributeName === AttributeName && found.KeyType === KeyType && isText(AttributeName)
    })
  if (!fits) throw invalid(`dynamodbStore: the table ${table} has other keys than pk and sk, both text; name another table and migrate()`)
}
