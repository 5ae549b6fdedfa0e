/** A `Collection` of the official mongodb driver, as much of it as is needed. */
import { invalid } from '../common/options.ts'

export interface MongodbCollection {
  findOne(filter: object, options: object): Promise<object | null>
  find(filter: object, options: object): { toArray(): Promise<object[]> }
  insertOne(document: object, options: object): Promise<unknown>
  replaceOne(filter: object, document: object, options: object): Promise<{ readonly matchedCount: number }>
  updateOne(filter: object, update: object, options: object): Promise<{ readonly matchedCount: number }>
  deleteOne(filter: object, options: object): Promise<unknown>
  indexes(): Promise<object[]>
  createIndexes(indexes: object[], options: object): Promise<unknown>
  options(): Promise<object>
  /** The client behind it. Drivers before 7 do not say. */
  readonly client?: { connect(): Promise<unknown>; readonly topology?: unknown }
}

const methods = ['findOne', 'find', 'insertOne', 'replaceOne', 'updateOne', 'deleteOne', 'indexes', 'createIndexes', 'options'] as const

export function checkCollection(collection: MongodbCollection): MongodbCollection {
  if (methods.every((method) => typeof collection?.[method] === 'function')) return collection
  throw invalid("mongodbStore needs a collection; write mongodbStore({ collection: client.db('shop').collection('sessions') })")
}

/** Never to a secondary, whatever the collection says: a session that has ended would live on there. */
export const reading = { readPreference: 'primary' } as const
/** Nothing is acknowledged that a new primary might not have. */
export const writing = { writeConcern: { w: 'majority', j: true } } as const

const duplicateKey = 11_000
const namespaceNotFound = 26

export function isTaken(error: unknown): boolean {
  return codeOf(error) === duplicateKey
}

/** Documents stay an hour longer than they have to: MongoDB goes by its own clock. */
const spareSeconds = 3_600

/** For `user`: only sessions that have one. For `expiresAt`: MongoDB drops what is over. */
const wanted = [
  { key: { user: 1 }, name: 'user_1', sparse: true },
  { key: { expiresAt: 1 }, name: 'expiresAt_1', expireAfterSeconds: spareSeconds },
] as const

interface Index {
  readonly key?: Readonly<Record<string, unknown>>
  readonly expireAfterSeconds?: number
  readonly partialFilterExpression?: object
}

/** Throws `config_invalid` for a collection without the indexes, or with a collation of its own. */
export async function checkIndexes(collection: MongodbCollection): Promise<void> {
  const indexes: Index[] = await collection.indexes().catch((error: unknown) => {
    if (codeOf(error) === namespaceNotFound) return []
    throw error
  })
  const on = (field: string): Index | undefined => {
    const found = indexes.filter(
      ({ key = {}, partialFilterExpression }) => partialFilterExpression === undefined && Object.keys(key)[0] === field,
    )
    return found.find(({ expireAfterSeconds }) => expireAfterSeconds !== undefined) ?? found[0]
  }
  if (on('user') === undefined || on('expiresAt')?.expireAfterSeconds === undefined) {
    throw invalid('mongodbStore: the collection lacks an index on user, or one on expiresAt that drops what is over; await store.migrate()')
  }
  const { collation } = (await collection.options()) as { collation?: object }
  if (collation !== undefined) {
    throw invalid('mongodbStore: the collection has a collation, under which different ids may be the same; use a collection without one')
  }
}

export async function createIndexes(collection: MongodbCollection): Promise<void> {
  await collection.createIndexes([...wanted], writing)
}

/** What to do about a failure, where that is known. */
export function adviceFor(error: unknown): string | undefined {
  const code = codeOf(error)
  const name = error instanceof Error ? error.name : ''
  if (code === 18) return "check the name and the password in the client's address"
  if (code === 13) return 'give the user the role readWrite on the database'
  if (code === 85 || code === 86) return 'drop the index of that name, or name another collection'
  if (/ServerSelection/.test(name)) return "see that MongoDB is there, and check the client's address"
  if (name === neverConnected) return 'the client is being connected again'
  if (/NotConnected|ClientClosed/.test(name)) return 'the client was closed; close it last'
  return undefined
}

/** What the driver says of a client whose first connection has failed: it gives up on it for good, unless it is connected again. */
const neverConnected = 'MongoTopologyClosedError'

/** Answers what to call with every failure, so that a server that comes up after the application is found. */
export function reviver({ client }: MongodbCollection): (error: unknown) => void {
  let connecting = false
  const done = (): void => void (connecting = false)
  return (error) => {
    // A client that somebody has closed has no topology, and stays closed.
    if (connecting || client?.topology === undefined || !(error instanceof Error) || error.name !== neverConnected) return
    connecting = true
    client.connect().then(done, done)
  }
}

function codeOf(error: unknown): number {
  return Number((error as { code?: unknown } | null)?.code)
}
