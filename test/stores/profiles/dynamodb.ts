import { DynamoDB } from '@aws-sdk/client-dynamodb'
import { dynamodbStore } from '../../../src/stores/dynamodb.ts'
import { insist } from '../insist.ts'
import type { StoreProfile } from '../profile.ts'

/** What an application would have, but for the time limits, which the SDK does not set by itself. */
export function clientFor(url: string, settings: object = {}): DynamoDB {
  return new DynamoDB({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestHandler: { requestTimeout: 3_000, connectionTimeout: 1_000, throwOnRequestTimeout: true },
    ...settings,
  })
}

export const dynamodb: StoreProfile = {
  name: 'dynamodb',
  servers: ['dynamodb'],
  countsAll: true,
  rowBytesMax: 409_600,
  async open([url = '']) {
    const client = clientFor(url)
    const store = dynamodbStore({ client, table: 'sessions' })
    await insist(() => store.migrate())
    return {
      store,
      commands: async () => Number(await (await fetch(`${url}/requests`)).text()),
      close: async () => client.destroy(),
    }
  },
  lacks: [
    { rule: 'touch', reason: 'DynamoDB bills a moved expiry like a put, and the put moves the user index too' },
    { rule: 'sweep', reason: 'DynamoDB drops expired items by itself' },
  ],
  words: {
    limits: '400 KB a session',
    eviction: 'never',
    restart: 'nothing to restart: tested against dynalite, not against the service',
    failover: 'a write is in three zones before it is acknowledged; global tables keep compare-and-swap within one region only',
  },
}
