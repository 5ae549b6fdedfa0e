/** PostgreSQL and MySQL as the tests that both must pass see them. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createPool, type PoolOptions } from 'mysql2/promise'
import { Pool, type PoolConfig } from 'pg'
import type { Server } from '../../scripts/servers/launch.ts'
import { startMysql } from '../../scripts/servers/mysql.ts'
import { startPostgres } from '../../scripts/servers/postgres.ts'
import { CoatcheckError, type Row, type SessionStore } from '../../src/index.ts'
import { mysqlStore } from '../../src/stores/mysql.ts'
import { schemaOf as mysqlSchema } from '../../src/stores/mysql/schema.ts'
import { postgresStore } from '../../src/stores/postgres.ts'
import { schemaOf as postgresSchema } from '../../src/stores/postgres/schema.ts'
import type { Schema } from '../../src/stores/sql/schema.ts'
import { sharedServer } from '../support/server.ts'

export interface SqlDatabase {
  readonly store: SessionStore & { migrate(): Promise<void> }
  /** On the store's own client. */
  query(sql: string): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

export interface OpenOptions {
  readonly table?: string
  readonly connections?: number
  readonly silenceMs?: number
}

export interface SqlKind {
  readonly name: 'postgres' | 'mysql'
  readonly schemaOf: (table: string) => Schema
  /** A server that waits for the disk. */
  start(...settings: string[]): Promise<Server>
  /** Opens the store, with as many connections. */
  open(url: string, options?: OpenOptions): SqlDatabase
  /** SQL that gives a table another comment. */
  comment(table: string, text: string): string
  /** A statement that puts a lock on a row until the transaction ends, which `BEGIN` began. */
  lockRow(id: string): string
}

export function openPostgres(config: PoolConfig, { table = 'coatcheck_session', silenceMs = 2_000 }: OpenOptions = {}): SqlDatabase {
  const client = new Pool({ connectionTimeoutMillis: 2_000, ...config })
  return {
    store: postgresStore({ client, table, silenceMs }),
    query: async (sql) => (await client.query<Record<string, unknown>>(sql)).rows,
    close: once(() => client.end()),
  }
}

export function openMysql(config: PoolOptions, { table = 'coatcheck_session', silenceMs = 2_000 }: OpenOptions = {}): SqlDatabase {
  const client = createPool({ connectTimeout: 2_000, ...config })
  return {
    store: mysqlStore({ client, table, silenceMs }),
    query: async (sql) => (await client.query(sql))[0] as unknown as Record<string, unknown>[],
    close: once(() => Promise.race([client.end(), sleep(3_000)])),
  }
}

export const postgresKind: SqlKind = {
  name: 'postgres',
  schemaOf: postgresSchema,
  start: (...settings) => startPostgres(settings),
  open: (url, options = {}) => openPostgres({ connectionString: url, max: options.connections ?? 10 }, options),
  comment: (table, text) => `COMMENT ON TABLE ${table} IS '${text}'`,
  lockRow: (id) => `SELECT 1 FROM coatcheck_session WHERE id = '${id}' FOR UPDATE`,
}

export const mysqlKind: SqlKind = {
  name: 'mysql',
  schemaOf: mysqlSchema,
  start: (...settings) => startMysql(['--innodb-flush-log-at-trx-commit=1', ...settings]),
  open: (url, options = {}) => openMysql({ uri: url, connectionLimit: options.connections ?? 10 }, options),
  comment: (table, text) => `ALTER TABLE ${table} COMMENT = '${text}'`,
  lockRow: postgresKind.lockRow,
}

export const kinds: readonly SqlKind[] = [postgresKind, mysqlKind]

/** The address of a new database on the server that all tests share. */
export async function newDatabase(kind: SqlKind): Promise<string> {
  const url = await sharedServer(kind.name)
  const name = `test_${randomBytes(8).toString('hex')}`
  const admin = kind.open(url)
  await admin.query(`CREATE DATABASE ${name}`)
  await admin.close()
  return Object.assign(new URL(url), { pathname: `/${name}` }).href
}

/** Runs on a new database, and closes whatever it was given to keep, in that order. */
export async function onDatabase(
  kind: SqlKind,
  run: (url: string, keep: <Place extends { close(): Promise<unknown> }>(place: Place) => Place) => Promise<void>,
): Promise<void> {
  const places: { close(): Promise<unknown> }[] = []
  try {
    await run(await newDatabase(kind), (place) => (places.push(place), place))
  } finally {
    for (const place of places) await place.close()
  }
}

/** Every method of a store once, with text that is not ASCII. */
export async function useAll(store: SessionStore): Promise<void> {
  const row = newRow({ user: 'Zoë', body: '{"a":"李 \\\\ \'"}' })
  const version = await store.put(row, null)
  assert.deepEqual(await store.get(row.id), { ...row, version })
  assert.deepEqual(await store.idsOf?.('Zoë'), [row.id])
  assert.equal(await store.touch?.(row.id, row.expiresAt + 5), true)
  assert.notEqual(await store.put({ ...row, user: null }, version), null)
  assert.equal(await store.put(row, version), null)
  await store.delete('nobody')
  assert.deepEqual((await store.scan?.(null, 10))?.ids, [row.id])
  assert.equal(await store.sweep?.(row.expiresAt + 6, 10), 1)
  assert.equal(await store.get(row.id), null)
  await store.ready?.()
}

export function newRow(columns: Partial<Row> = {}): Row {
  return { id: randomBytes(18).toString('base64url'), body: '{"n":1}', user: null, expiresAt: Date.now() + 3_600_000, ...columns }
}

/** The error a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<CoatcheckError> {
  const error = await promise.then(
    (value) => new Error(`no failure, but ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  )
  if (error instanceof CoatcheckError) return error
  throw error
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null
  return () => (running ??= run())
}
