import { CoatcheckError } from '../../core/errors.ts'
import { unavailable } from '../common/errors.ts'
import { errnoOf } from './client.ts'

/** https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html, https://mariadb.com/kb/en/mariadb-error-codes/ */
const advice: Readonly<Record<number, string>> = {
  1021: "the server's disk is full",
  1040: 'raise max_connections of the server, or lower connectionLimit of the pools',
  1044: 'grant the user SELECT, INSERT, UPDATE and DELETE on the table, and CREATE for migrate()',
  1045: 'check user and password',
  1046: 'name a database in the URL of the pool',
  1049: 'create the database, or check its name',
  1053: 'the server is being shut down or restarted',
  1054: 'the table was altered; ready() says what it lacks',
  1114: "the table or the server's disk is full",
  1142: 'grant the user SELECT, INSERT, UPDATE and DELETE on the table, and CREATE for migrate()',
  1146: 'call await store.migrate() before serving, or run sql/mysql/*.sql',
  1203: 'raise max_user_connections, or lower connectionLimit of the pools',
  1205: 'somebody holds a lock on the row',
  1290: 'the server takes no writes, as after a failover; connect to the primary',
  1461: 'raise max_prepared_stmt_count of the server',
  1792: 'the server takes no writes, as after a failover; connect to the primary',
  1836: 'the server takes no writes, as after a failover; connect to the primary',
  1969: 'it took longer than max_statement_time',
  3024: 'it took longer than max_execution_time',
}

const adviceByCode: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there; is the server running?',
  ETIMEDOUT: 'the server does not answer',
}

/** Deadlock, lock wait timeout, and MariaDB's "record has changed": the server has undone the statement, and here it is a whole transaction. */
const undone = new Set([1213, 1205, 1020])

export function isUndone(error: unknown): boolean {
  return undone.has(errnoOf(error))
}

/** ER_DUP_ENTRY. */
export function isTaken(error: unknown): boolean {
  return errnoOf(error) === 1062
}

/** max_allowed_packet; a tenth of the redo log. */
const tooLarge = new Set([1153, 1118])

/** What went wrong, as an error that a person can act on. */
export function failure(error: unknown): CoatcheckError {
  if (tooLarge.has(errnoOf(error))) {
    return new CoatcheckError(
      'session_too_large',
      'mysqlStore: the session is too large for the server; store less in it, or raise max_allowed_packet and innodb_log_file_size',
      error,
    )
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return unavailable('mysqlStore', error, advice[errnoOf(error)] ?? adviceByCode[code])
}
