import type { CoatcheckError } from '../../core/errors.ts'
import { unavailable } from '../common/errors.ts'

/** https://www.postgresql.org/docs/current/errcodes-appendix.html, and codes of Node, pg and postgres.js. */
const advice: Readonly<Record<string, string>> = {
  '25006': 'the server takes no writes, as after a failover; connect to the primary',
  '26000': 'the pooler in between knows no prepared statements; use its session mode, or postgresStore({ prepare: false })',
  '42P05': 'the pooler in between knows no prepared statements; use its session mode, or postgresStore({ prepare: false })',
  '28000': 'check user and pg_hba.conf',
  '28P01': 'check user and password',
  '3D000': 'create the database, or check its name',
  '42501': 'grant the user SELECT, INSERT, UPDATE and DELETE on the table, and CREATE on its schema for migrate()',
  '42703': 'the table was altered; ready() says what it lacks',
  '42P01': 'call await store.migrate() before serving, or run sql/postgres/*.sql',
  '53100': "the server's disk is full",
  '53200': 'the server is out of memory',
  '53300': 'raise max_connections of the server, or lower max of the pools',
  '55P03': 'somebody holds a lock on the table',
  '57014': 'it took longer than statement_timeout',
  '57P01': 'the server is being shut down or restarted',
  '57P02': 'the server crashed and restarts',
  '57P03': 'the server is starting up',
  ECONNREFUSED: 'nothing listens there; is PostgreSQL running?',
  CONNECTION_ENDED: 'the client was ended before the store',
  CONNECT_TIMEOUT: 'the server does not answer',
}

/** Messages of pg that have no code and say little. */
const messages: Readonly<Record<string, string>> = {
  'timeout exceeded when trying to connect': 'all connections of the Pool are in use; raise its max, or see what holds them',
  'Query read timeout': 'the server did not answer in time, so the connection was given up',
}

/** Serialization failure and deadlock: the server has undone the statement, and with it its whole transaction. */
const undone = new Set(['40001', '40P01'])

export function isUndone(error: unknown): boolean {
  return undone.has(codeOf(error))
}

/** What went wrong, as a `store_unavailable` that a person can act on. */
export function failure(error: unknown): CoatcheckError {
  // Here PostgreSQL quotes rows ("Failing row contains …") and parameters, and they do not belong in a log.
  if (error instanceof Error && 'detail' in error) error.detail = undefined
  if (error instanceof Error && 'where' in error) error.where = undefined
  const message = error instanceof Error ? error.message : ''
  return unavailable('postgresStore', error, advice[codeOf(error)] ?? messages[message])
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
