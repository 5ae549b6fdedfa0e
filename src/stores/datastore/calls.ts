/** The three calls this store makes, through either client of `@google-cloud/datastore`. */
import { invalid } from '../common/options.ts'

/**
 * `new Datastore()`. Its published methods neither tell an entity's version nor write under one, so the calls go through the method
 * all of them end in.
 */
export interface DatastoreLike {
  readonly namespace?: string
  request_(
    config: { client: string; method: string; reqOpts: object; gaxOpts: object },
    callback: (error: Error | null | undefined, response: unknown) => void,
  ): void
}

/** `new v1.DatastoreClient()`: the calls as Google documents them. */
export interface DatastoreApi {
  getProjectId(): Promise<string>
  lookup(request: object, options: object): Promise<readonly [unknown, ...unknown[]]>
  commit(request: object, options: object): Promise<readonly [unknown, ...unknown[]]>
  runQuery(request: object, options: object): Promise<readonly [unknown, ...unknown[]]>
}

export type Call = (method: 'lookup' | 'commit' | 'runQuery', request: object) => Promise<unknown>

/**
 * When the client gives a call up, in milliseconds; the engine's `storeDeadline` (2 s) comes first. Until then it repeats reads that
 * found no server, never a commit. Its own default is ten minutes, and calls would pile up.
 */
const callOptions = { timeout: 10_000 }

/**
 * For lookups it is the rule. For a query, a database from before Firestore refuses it: there a query may miss what was just written, and
 * `idsOf` must miss nothing.
 */
export const strong = { readConsistency: 'STRONG' }

export function callsOf(client: DatastoreLike | DatastoreApi): Call {
  if (isDatastore(client)) return throughDatastore(client)
  if (isApi(client)) return throughApi(client)
  throw invalid(
    'datastoreStore needs a client of @google-cloud/datastore; write client: new Datastore(), or new v1.DatastoreClient() if this Datastore has no request_',
  )
}

function isDatastore(client: DatastoreLike | DatastoreApi): client is DatastoreLike {
  return typeof client === 'object' && client !== null && 'request_' in client && typeof client['request_'] === 'function'
}

function isApi(client: DatastoreLike | DatastoreApi): client is DatastoreApi {
  const methods = ['lookup', 'commit', 'runQuery', 'getProjectId'] as const
  return typeof client === 'object' && client !== null && methods.every((name) => typeof (client as DatastoreApi)[name] === 'function')
}

function throughDatastore(client: DatastoreLike): Call {
  return (method, reqOpts) =>
    new Promise((resolve, reject) => {
      client['request_']({ client: 'DatastoreClient', method, reqOpts, gaxOpts: { ...callOptions } }, (error, response) =>
        error ? reject(error) : resolve(response),
      )
    })
}

function throughApi(client: DatastoreApi): Call {
  return async (method, request) => {
    const projectId = await client.getProjectId()
    const [response] = await client[method]({ ...request, projectId }, { ...callOptions })
    return response
  }
}
