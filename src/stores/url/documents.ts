import type { DatastoreStoreOptions } from '../datastore.ts'
import type { DynamodbStoreOptions } from '../dynamodb.ts'
import type { FirestoreStoreOptions } from '../firestore.ts'
import type { MongodbStoreOptions } from '../mongodb.ts'
import { invalid } from '../common/options.ts'
import { exported, load } from './load.ts'
import { closing, migrated } from './closing.ts'
import type { Opener } from './openers.ts'
import { partsOf, unreadable } from './parts.ts'

/** `datastore://project`, or `datastore://host:port/project` for an emulator. */
const openDatastore: Opener = async (url) => {
  const Datastore = exported<new (options: object) => DatastoreStoreOptions['client']>(await load('@google-cloud/datastore'), 'Datastore')
  const { datastoreStore } = await import('../datastore.ts')
  const { project, emulator } = googlePlace(url)
  return datastoreStore({
    client: new Datastore({
      projectId: project,
      ...patience,
      ...(emulator === null ? {} : { ...offCloud, apiEndpoint: `http://${emulator}` }),
    }),
  })
}

/** `firestore://project`, or `firestore://host:port/project` for an emulator. */
const openFirestore: Opener = async (url) => {
  type Client = FirestoreStoreOptions['client'] & { terminate(): Promise<void> }
  const Firestore = exported<new (options: object) => Client>(await load('@google-cloud/firestore'), 'Firestore')
  const { firestoreStore } = await import('../firestore.ts')
  const { project, emulator } = googlePlace(url)
  const client = new Firestore({
    projectId: project,
    ...patience,
    ...(emulator === null ? {} : { ...offCloud, host: emulator, ssl: false }),
  })
  return closing(firestoreStore({ client }), () => client.terminate())
}

/** By itself the client waits up to two minutes before it tries again to connect, and notices no silence. */
const patience = { 'grpc.max_reconnect_backoff_ms': 1_000, 'grpc.keepalive_time_ms': 30_000, 'grpc.keepalive_timeout_ms': 5_000 }

/** An emulator is no cloud: the client need not look for the metadata server of one, which takes seconds. */
const offCloud = { clientOptions: { universeDomain: 'googleapis.com' } }

function googlePlace(url: string): { readonly project: string; readonly emulator: string | null } {
  const [, scheme, first, second] = /^([a-z]+):\/*([^/]*)\/?(.*)$/.exec(url) ?? []
  if (!first) throw invalid(`${scheme}: needs a project; write for example ${scheme}://my-project`)
  return second ? { project: second, emulator: first } : { project: first, emulator: null }
}

type DynamoClient = DynamodbStoreOptions['client'] & { destroy(): void }

const silenceMs = 2_000

/** `dynamodb://region/table`, with `?endpoint=http://…` for a local one. Credentials come from where the AWS SDK looks for them. */
const openDynamodb: Opener = async (url, { migrate }) => {
  const DynamoDB = exported<new (options: object) => DynamoClient>(await load('@aws-sdk/client-dynamodb'), 'DynamoDB')
  const { dynamodbStore } = await import('../dynamodb.ts')
  const { host, pathname, searchParams } = partsOf(url)
  if (host === '') throw invalid('dynamodb: needs a region; write for example dynamodb://eu-central-1/sessions')
  const endpoint = searchParams.get('endpoint')
  const requestHandler = { requestTimeout: silenceMs, connectionTimeout: silenceMs, throwOnRequestTimeout: true }
  const client = new DynamoDB({ region: host, requestHandler, ...(endpoint === null ? {} : { endpoint }) })
  const store = dynamodbStore({ client, table: pathname.slice(1) || 'coatcheck' })
  return migrated(store, () => client.destroy(), migrate)
}

interface MongoClient {
  db(name?: string): { collection(name: string): MongodbStoreOptions['collection'] }
  close(): Promise<void>
}

type MongoClientClass = new (url: string, options: object) => MongoClient

/** `mongodb://host/database`; the collection is `coatcheck`. */
const openMongodb: Opener = async (url, { migrate }) => {
  const Client = exported<MongoClientClass>(await load('mongodb'), 'MongoClient')
  const { mongodbStore } = await import('../mongodb.ts')
  const client = made(Client, url)
  return migrated(mongodbStore({ collection: client.db().collection('coatcheck') }), () => client.close(), migrate)
}

function made(Client: MongoClientClass, url: string): MongoClient {
  try {
    return new Client(url, { connectTimeoutMS: silenceMs, socketTimeoutMS: silenceMs, serverSelectionTimeoutMS: silenceMs })
  } catch {
    throw unreadable(url)
  }
}

export const openDocument: Readonly<Record<string, Opener>> = {
  datastore: openDatastore,
  firestore: openFirestore,
  dynamodb: openDynamodb,
  mongodb: openMongodb,
  'mongodb+srv': openMongodb,
}
