import { invalid } from '../common/options.ts'

/** What `createPool` of `mysql2/promise` gives. */
export interface MysqlPool {
  getConnection(): Promise<MysqlConnection>
}

export interface MysqlConnection {
  execute(options: MysqlStatement): Promise<readonly [unknown, ...unknown[]]>
  release(): void
  destroy(): void
}

interface MysqlStatement {
  sql: string
  values: Value[]
  /** So that what the client does to names does not matter. */
  rowsAsArray: true
  nestTables: false
  /** Not as the pool says: a prepared statement's numbers come back as bytes without it. */
  typeCast: true
}

export type Value = string | number | null | Buffer

export interface Answer {
  readonly rows: readonly (readonly unknown[])[]
  /** Rows found by an UPDATE or only those it changed: that is up to a flag of the connection (`FOUND_ROWS`). */
  readonly count: number
}

export type Run = (sql: string, values?: Value[]) => Promise<Answer>

/** Nobody answered in time. */
class Silent extends Error {}

// The server has become a replica, and the connection does not notice. https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html
const readOnly = new Set([1290, 1792, 1836])

/** Runs prepared statements, so that no value is ever part of a text. Throws `config_invalid` for something else than a pool. */
export function runnerFor(pool: MysqlPool, silenceMs: number): Run {
  if (typeof pool !== 'object' || pool === null || !('getConnection' in pool)) {
    throw invalid("mysqlStore needs a client: a pool of 'mysql2/promise'; write for example mysqlStore({ client: createPool(url) })")
  }
  if ('promise' in pool) throw invalid('mysqlStore needs a pool that answers with promises; write client: pool.promise()')
  return (sql, values = []) =>
    new Promise((resolve, reject) => {
      const lease = new Lease(silenceMs, reject)
      lease.run(pool, { sql, values, rowsAsArray: true, nestTables: false, typeCast: true }).then(resolve, reject)
    })
}

/** A connection for one statement, and a limit on the wait for either. */
class Lease {
  readonly #timer: NodeJS.Timeout
  #connection: MysqlConnection | null = null
  #over = false

  constructor(silenceMs: number, reject: (error: Silent) => void) {
    this.#timer = setTimeout(() => {
      this.#over = true
      // A late answer would be taken for that of the next statement.
      this.#connection?.destroy()
      reject(new Silent(this.#connection === null ? 'all connections of the pool are in use' : 'the server did not answer in time'))
    }, silenceMs)
  }

  async run(pool: MysqlPool, statement: MysqlStatement): Promise<Answer> {
    try {
      const connection = await pool.getConnection()
      // It came too late, and goes back unused.
      if (this.#over) {
        connection.release()
        throw new Silent()
      }
      this.#connection = connection
      this.#timer.refresh()
      return await this.#ask(connection, statement)
    } finally {
      clearTimeout(this.#timer)
    }
  }

  async #ask(connection: MysqlConnection, statement: MysqlStatement): Promise<Answer> {
    let broken = false
    try {
      const [result] = await connection.execute(statement)
      return Array.isArray(result) ? { rows: result as unknown[][], count: result.length } : { rows: [], count: affectedBy(result) }
    } catch (error) {
      broken = readOnly.has(errnoOf(error))
      throw error
    } finally {
      if (broken) connection.destroy()
      else if (!this.#over) connection.release()
    }
  }
}

/** The server's number of an error; clients number theirs below zero. */
export function errnoOf(error: unknown): number {
  return error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? error.errno : 0
}

function affectedBy(result: unknown): number {
  return typeof result === 'object' && result !== null && 'affectedRows' in result ? Number(result.affectedRows) : 0
}
