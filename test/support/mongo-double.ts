/**
 * A stand-in for MongoDB, since no server can be had here: one process that keeps documents in memory and answers the official driver as the
 * primary of a replica set would. It knows the commands and operators that mongodbStore uses; every command is atomic, and a write
 * that the driver repeats is done once. It is no evidence of how MongoDB itself behaves.
 *
 * This file is also the program that serves: `node mongo-double.ts <port>`.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { BSON, Long } from 'mongodb'
import { type Doc, Messages, reply } from './mongo-wire.ts'

export interface MongoDouble {
  readonly url: string
  readonly port: number
  /** The commands that came, but for those by which the driver watches the server. */
  readonly seen: Doc[]
  close(): Promise<void>
}

const documentBytesMax = 16_777_216
const batchSize = 101
const watching = new Set(['hello', 'ismaster', 'isMaster', 'ping', 'endSessions', 'serverStatus', 'saslStart'])

export async function startMongoDouble(port = 0): Promise<MongoDouble> {
  const seen: Doc[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const messages = new Messages()
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      for (const message of messages.push(chunk)) {
        const [name = ''] = Object.keys(message.command)
        if (!watching.has(name)) seen.push(message.command)
        const answer = database.run(name, message.command)
        if (!message.silent) socket.write(reply(message, answer))
      }
    })
  }).listen(port, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address() as AddressInfo
  const database = new Database(address.port)
  return {
    url: `mongodb://127.0.0.1:${address.port}/?directConnection=true`,
    port: address.port,
    seen,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Collection {
  readonly documents: Map<string, Doc>
  readonly indexes: Doc[]
}

class Database {
  readonly #port: number
  readonly #collections = new Map<string, Collection>()
  readonly #cursors = new Map<string, { readonly ns: string; rest: Doc[] }>()
  readonly #answered = new Map<string, Doc>()
  #cursorsMade = 0
  #served = 0

  constructor(port: number) {
    this.#port = port
  }

  run(name: string, command: Doc): Doc {
    if (!watching.has(name)) this.#served++
    // A write that is repeated has its session and its number.
    const repeatable = command['txnNumber'] === undefined ? null : `${key(command['lsid'])} ${key(command['txnNumber'])}`
    const before = repeatable === null ? undefined : this.#answered.get(repeatable)
    const answer = before ?? this.#answer(name, command)
    if (repeatable !== null) this.#answered.set(repeatable, answer)
    return answer
  }

  #answer(name: string, command: Doc): Doc {
    const ns = `${String(command['$db'])}.${String(command[name])}`
    switch (name) {
      case 'hello':
      case 'isMaster':
      case 'ismaster':
        return hello(this.#port)
      case 'ping':
      case 'endSessions':
      case 'killCursors':
        return { ok: 1 }
      case 'serverStatus':
        return { opcounters: { served: this.#served }, ok: 1 }
      case 'saslStart':
        return failure(18, 'AuthenticationFailed', 'Authentication failed.')
      case 'insert':
        return this.#insert(ns, command['documents'] as Doc[])
      case 'update':
        return this.#update(ns, command['updates'] as Update[])
      case 'delete':
        return this.#delete(ns, command['deletes'] as { readonly q: Doc; readonly limit: number }[])
      case 'find':
        return this.#find(ns, command)
      case 'count':
        return { n: this.#collection(ns).documents.size, ok: 1 }
      case 'getMore':
        return this.#page(String(command['getMore']), 'nextBatch', Number(command['batchSize'] ?? Number.POSITIVE_INFINITY))
      case 'createIndexes':
        return this.#createIndexes(ns, command['indexes'] as Doc[])
      case 'listIndexes':
        return this.#collections.has(ns)
          ? this.#cursor(ns, this.#collection(ns).indexes)
          : failure(26, 'NamespaceNotFound', `ns does not exist: ${ns}`)
      case 'listCollections':
        return this.#cursor(`${String(command['$db'])}.$cmd.listCollections`, this.#listed(command))
      default:
        return failure(59, 'CommandNotFound', `no such command: '${name}'`)
    }
  }

  #collection(ns: string): Collection {
    const found = this.#collections.get(ns) ?? { documents: new Map(), indexes: [{ v: 2, key: { _id: 1 }, name: '_id_' }] }
    this.#collections.set(ns, found)
    return found
  }

  #insert(ns: string, documents: readonly Doc[]): Doc {
    const { documents: held } = this.#collection(ns)
    for (const [index, document] of documents.entries()) {
      const id = key(document['_id'])
      if (BSON.calculateObjectSize(document) > documentBytesMax) return writeError(index, 10_334, 'BSONObjectTooLarge')
      if (held.has(id)) return writeError(index, 11_000, `E11000 duplicate key error collection: ${ns} index: _id_ dup key: ${id}`)
      held.set(id, document)
    }
    return { n: documents.length, ok: 1 }
  }

  #update(ns: string, updates: readonly Update[]): Doc {
    const { documents } = this.#collection(ns)
    let n = 0
    for (const { q, u } of updates) {
      const found = [...documents.values()].find((document) => matches(document, q))
      if (found === undefined) continue
      n++
      documents.set(key(found['_id']), updated(found, u))
    }
    return { n, nModified: n, ok: 1 }
  }

  #delete(ns: string, deletes: readonly { readonly q: Doc }[]): Doc {
    const { documents } = this.#collection(ns)
    let n = 0
    for (const { q } of deletes) {
      const found = [...documents.values()].find((document) => matches(document, q))
      if (found !== undefined && documents.delete(key(found['_id']))) n++
    }
    return { n, ok: 1 }
  }

  #find(ns: string, { filter, sort, limit, projection, batchSize: size }: Doc): Doc {
    let found = [...this.#collection(ns).documents.values()].filter((document) => matches(document, filter as Doc))
    if (sort !== undefined) found = found.toSorted((a, b) => (key(a['_id']) < key(b['_id']) ? -1 : 1))
    if (Number(limit ?? 0) > 0) found = found.slice(0, Number(limit))
    const fields = projection as Doc | undefined
    if (fields !== undefined)
      found = found.map((document) => Object.fromEntries(Object.entries(document).filter(([name]) => name === '_id' || fields[name] === 1)))
    return this.#cursor(ns, found, Number(size ?? batchSize))
  }

  #cursor(ns: string, documents: readonly Doc[], size = batchSize): Doc {
    const id = String(++this.#cursorsMade)
    this.#cursors.set(id, { ns, rest: [...documents] })
    return this.#page(id, 'firstBatch', size)
  }

  #page(id: string, batch: string, size: number): Doc {
    const cursor = this.#cursors.get(id)
    if (cursor === undefined) return failure(43, 'CursorNotFound', `cursor id ${id} not found`)
    const documents = cursor.rest.splice(0, size)
    const isOver = cursor.rest.length === 0
    if (isOver) this.#cursors.delete(id)
    return { cursor: { id: Long.fromString(isOver ? '0' : id), ns: cursor.ns, [batch]: documents }, ok: 1 }
  }

  #createIndexes(ns: string, indexes: readonly Doc[]): Doc {
    const held = this.#collection(ns).indexes
    for (const index of indexes) {
      const same = held.find(({ name }) => name === index['name'])
      if (same === undefined) held.push({ v: 2, ...index })
      else if (sorted(same) !== sorted({ v: 2, ...index }))
        return failure(85, 'IndexOptionsConflict', `Index ${String(index['name'])} differs`)
    }
    return { ok: 1 }
  }

  /** A collection whose name ends in `-collated` says that it has a collation. */
  #listed({ $db, filter }: Doc): Doc[] {
    const { name } = filter as Doc
    const found = this.#collections.has(`${String($db)}.${String(name)}`)
    return found
      ? [
          {
            name,
            type: 'collection',
            options: String(name).endsWith('-collated') ? { collation: { locale: 'en', strength: 1 } } : {},
            info: {},
          },
        ]
      : []
  }
}

interface Update {
  readonly q: Doc
  readonly u: Doc
}

function updated(document: Doc, change: Doc): Doc {
  if (!Object.keys(change).some((name) => name.startsWith('$'))) return { _id: document['_id'], ...change }
  const after = { ...document }
  for (const [operator, fields] of Object.entries(change)) {
    if (operator !== '$max' && operator !== '$set') throw new Error(`the double does not know ${operator}`)
    for (const [name, value] of Object.entries(fields as Doc))
      if (operator === '$set' || !(Number(after[name]) >= Number(value))) after[name] = value
  }
  return after
}

function matches(document: Doc, filter: Doc): boolean {
  return Object.entries(filter).every(([name, wanted]) => {
    const value = document[name]
    if (!isOperators(wanted)) return value !== undefined && key(value) === key(wanted)
    return Object.entries(wanted).every(([operator, operand]) => {
      if (operator === '$in') return (operand as unknown[]).some((one) => key(one) === key(value))
      if (operator === '$eq') return key(operand) === key(value)
      if (operator === '$gt' && operand instanceof Date) return value instanceof Date && value > operand
      if (operator === '$gt') return typeof value === 'string' && value > String(operand)
      throw new Error(`the double does not know ${operator}`)
    })
  })
}

function isOperators(value: unknown): value is Doc {
  return typeof value === 'object' && value !== null && Object.keys(value).some((name) => name.startsWith('$'))
}

/** A value as text: equal exactly if the values are. */
function key(value: unknown): string {
  return BSON.EJSON.stringify(value, { relaxed: false }) ?? 'undefined'
}

function sorted(document: Doc): string {
  return key(Object.fromEntries(Object.entries(document).toSorted(([a], [b]) => (a < b ? -1 : 1))))
}

function hello(port: number): Doc {
  const me = `127.0.0.1:${port}`
  return {
    helloOk: true,
    isWritablePrimary: true,
    ismaster: true,
    setName: 'double',
    setVersion: 1,
    hosts: [me],
    me,
    primary: me,
    maxBsonObjectSize: documentBytesMax,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    localTime: new Date(),
    logicalSessionTimeoutMinutes: 30,
    minWireVersion: 0,
    maxWireVersion: 21,
    readOnly: false,
    ok: 1,
  }
}

function failure(code: number, codeName: string, errmsg: string): Doc {
  return { ok: 0, code, codeName, errmsg }
}

function writeError(index: number, code: number, errmsg: string): Doc {
  return { n: index, writeErrors: [{ index, code, errmsg }], ok: 1 }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await startMongoDouble(Number(process.argv[2]))
