/** Clients of old stores: the packages that the application has installed. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { MongoSessions } from '../../migrate/express-session.ts'
import { exported, load } from '../../stores/url/load.ts'
import type { Address } from '../address.ts'
import { usage } from '../io.ts'

/** A client, and how it ends. */
export interface Opened<Client> {
  readonly client: Client
  close(): Promise<unknown>
}

export interface RedisClient {
  get(key: string): Promise<string | null>
  del(key: string): Promise<unknown>
  connect(): Promise<unknown>
  destroy(): void
  on(event: 'error', heard: () => void): unknown
}

const connectMs = 5_000

/** A client that gives up at once: what is interrupted can go on later, and somebody is looking. */
export async function openRedis({ url }: Address): Promise<Opened<RedisClient>> {
  if (!/^rediss?:\/\//.test(url)) throw usage('--from-url is no address of a Redis; write --from-url redis://host:6379/0')
  const createClient = exported<(options: object) => RedisClient>(await load('redis'), 'createClient')
  const client = createClient({ url, disableOfflineQueue: true, socket: { connectTimeout: connectMs, reconnectStrategy: false } })
  // Whatever it is, the command that was under way says it too.
  client.on('error', () => {})
  await client.connect()
  return { client, close: async () => client.destroy() }
}

export interface PgPool {
  query(text: string, values: unknown[]): Promise<{ readonly rows: readonly unknown[] }>
  end(): Promise<unknown>
  on(event: 'error', heard: () => void): unknown
}

export async function openPostgres({ url }: Address): Promise<Opened<PgPool>> {
  if (!/^postgres(ql)?:\/\//.test(url)) throw usage('--from-url is no address of a PostgreSQL; write --from-url postgres://host/database')
  const Pool = exported<new (options: object) => PgPool>(await load('pg'), 'Pool')
  const client = new Pool({ connectionString: url, connectionTimeoutMillis: connectMs })
  // An idle connection that breaks is told here, and the pool makes another.
  client.on('error', () => {})
  return { client, close: () => client.end() }
}

interface MysqlPool {
  execute(sql: string, values: (string | number)[]): Promise<readonly [unknown, ...unknown[]]>
  end(): Promise<unknown>
}

async function openMysql({ url }: Address): Promise<Opened<MysqlPool>> {
  const createPool = exported<(options: object) => MysqlPool>(await load('mysql2/promise'), 'createPool')
  const client = createPool({ uri: url, connectTimeout: connectMs })
  return { client, close: () => client.end() }
}

interface SqliteDatabase {
  prepare(sql: string): { all(...values: (string | number)[]): unknown[] }
  close(): void
}

/** Read only, so that a name that is wrong makes no empty database. */
async function openSqlite({ url, name }: Address): Promise<Opened<SqliteDatabase>> {
  const file = url.startsWith('sqlite://')
    ? fileURLToPath(url.replace('sqlite:', 'file:'))
    : decodeURIComponent(url.slice('sqlite:'.length))
  if (!existsSync(file)) throw usage(`--from-url ${name}: there is no file ${file}`)
  const { DatabaseSync } = await import('node:sqlite')
  const client = new DatabaseSync(file, { readOnly: true })
  return { client: client as unknown as SqliteDatabase, close: async () => client.close() }
}

/** Whatever database the address names. */
export function openDatabase(address: Address): Promise<Opened<PgPool | MysqlPool | SqliteDatabase>> {
  const [scheme = ''] = /^[a-z]+(?=:)/.exec(address.url) ?? []
  if (scheme === 'sqlite') return openSqlite(address)
  if (scheme === 'postgres' || scheme === 'postgresql') return openPostgres(address)
  if (scheme === 'mysql') return openMysql(address)
  throw usage('--from-url is no address of a database; write postgres://host/database, mysql://host/database or sqlite:file')
}

interface MongoClient {
  connect(): Promise<unknown>
  db(): { collection(name: string): MongoSessions }
  close(): Promise<unknown>
}

export async function openMongo({ url }: Address, collection: string): Promise<Opened<MongoSessions>> {
  if (!/^mongodb(\+srv)?:\/\//.test(url)) throw usage('--from-url is no address of a MongoDB; write --from-url mongodb://host/database')
  const Client = exported<new (url: string, options: object) => MongoClient>(await load('mongodb'), 'MongoClient')
  const client = new Client(url, { serverSelectionTimeoutMS: connectMs })
  await client.connect()
  return { client: client.db().collection(collection), close: () => client.close() }
}
