/** The aggregated `DynamoDB` client of @aws-sdk/client-dynamodb (version 3), as much of it as is needed. */
import { invalid } from '../common/options.ts'

export interface DynamodbClient {
  getItem(input: object): Promise<{ readonly Item?: DynamodbItem | undefined }>
  putItem(input: object): Promise<unknown>
  updateItem(input: object): Promise<unknown>
  deleteItem(input: object): Promise<{ readonly Attributes?: DynamodbItem | undefined }>
  query(input: object): Promise<DynamodbPage>
  scan(input: object): Promise<DynamodbPage>
  batchGetItem(input: object): Promise<DynamodbBatch>
  describeTable(input: object): Promise<{ readonly Table?: DynamodbTable | undefined }>
  describeTimeToLive(input: object): Promise<{ readonly TimeToLiveDescription?: DynamodbTimeToLive | undefined }>
  createTable(input: object): Promise<unknown>
  updateTimeToLive(input: object): Promise<unknown>
}

interface DynamodbValue {
  readonly S?: string | undefined
  readonly N?: string | undefined
}

export type DynamodbItem = Readonly<Record<string, DynamodbValue>>

interface DynamodbPage {
  readonly Items?: readonly DynamodbItem[] | undefined
  readonly LastEvaluatedKey?: DynamodbItem | undefined
}

interface DynamodbBatch {
  readonly Responses?: Readonly<Record<string, readonly DynamodbItem[]>> | undefined
  readonly UnprocessedKeys?: Readonly<Record<string, { readonly Keys?: readonly DynamodbItem[] | undefined }>> | undefined
}

export interface DynamodbTable {
  readonly TableStatus?: string | undefined
  readonly KeySchema?: readonly { readonly AttributeName?: string | undefined; readonly KeyType?: string | undefined }[] | undefined
  readonly AttributeDefinitions?:
    | readonly { readonly AttributeName?: string | undefined; readonly AttributeType?: string | undefined }[]
    | undefined
}

interface DynamodbTimeToLive {
  readonly TimeToLiveStatus?: string | undefined
  readonly AttributeName?: string | undefined
}

const methods = ['getItem', 'putItem', 'updateItem', 'deleteItem', 'query', 'scan', 'batchGetItem', 'describeTable'] as const

export function checkClient(client: DynamodbClient): DynamodbClient {
  if (methods.every((method) => typeof client?.[method] === 'function')) return client
  throw invalid('dynamodbStore needs the aggregated client; write dynamodbStore({ client: new DynamoDB(), table }), not DynamoDBClient')
}

/** The server's condition did not hold. */
export function isRefused(error: unknown): boolean {
  return nameOf(error) === 'ConditionalCheckFailedException'
}

/** How often the client has sent the request: it repeats by itself what got no answer. */
export function attemptsOf(error: unknown): number {
  return (error as { $metadata?: { attempts?: number } } | null)?.$metadata?.attempts ?? 1
}

export function isMissing(error: unknown): boolean {
  return nameOf(error) === 'ResourceNotFoundException'
}

export function isTooLarge(error: unknown): boolean {
  return nameOf(error) === 'ValidationException' && /item size/i.test((error as Error).message)
}

/** What to do about a failure, where that is known. */
export function adviceFor(error: unknown): string | undefined {
  const name = nameOf(error)
  if (name === 'ResourceNotFoundException') return 'create the table: await store.migrate()'
  if (/Credentials|Token|UnrecognizedClient|Signature/.test(name)) return "check the client's credentials and region"
  if (name === 'AccessDeniedException') {
    return 'allow GetItem, BatchGetItem, PutItem, UpdateItem, DeleteItem and Query, and for ready() DescribeTable and DescribeTimeToLive'
  }
  if (/Throughput|Throttling|RequestLimit/.test(name)) return "raise the table's capacity, or bill it on demand"
  return undefined
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : ''
}
