/** Tables of another system, in whatever database they stand. */
import { invalid } from './reader.ts'

/** A pool or client of pg. */
export interface PgDatabase {
  query(text: string, values: (string | number)[]): Promise<{ readonly rows: readonly unknown[] }>
}

/** A pool or connection of `mysql2/promise`. */
export interface MysqlDatabase {
  execute(sql: string, values: (string | number)[]): Promise<readonly [unknown, ...unknown[]]>
}

/** A database of node:sqlite, better-sqlite3 or bun:sqlite. */
export interface SqliteDatabase {
  prepare(sql: string): { all(...values: (string | number)[]): unknown[] }
}

export type SqlDatabase = PgDatabase | MysqlDatabase | SqliteDatabase

export interface SqlRunner {
  readonly dialect: 'postgres' | 'mysql' | 'sqlite'
  /** The rows, each as the values of its columns in their order. Values stand as `?`. */
  rows(sql: string, values?: (string | number)[]): Promise<readonly (readonly unknown[])[]>
  /** A name, or `schema.name`, as the dialect quotes it. */
  quoted(name: string): string
}

/** Recognises a database by its shape. Throws `config_invalid`. */
export function sqlRunner(reader: string, option: string, database: SqlDatabase): SqlRunner {
  const has = (name: string): boolean => typeof (database as unknown as Record<string, unknown> | undefined)?.[name] === 'function'
  if (has('promise')) throw invalid(`${reader}: ${option} must answer with promises; write ${option}: pool.promise()`)
  // Before SQLite: a connection of mysql2 can prepare too.
  if (has('execute')) return inMysql(database as MysqlDatabase)
  if (has('prepare')) return inSqlite(database as SqliteDatabase)
  if (has('query')) return inPostgres(database as PgDatabase)
  throw invalid(`${reader}: ${option} must be a pool of pg, a pool of mysql2/promise, or a database of node:sqlite`)
}

function inPostgres(pool: PgDatabase): SqlRunner {
  return {
    dialect: 'postgres',
    async rows(sql, values = []) {
      let count = 0
      const { rows } = await pool.query(
        sql.replaceAll('?', () => `$${++count}`),
        values,
      )
      return rows.map(columnsOf)
    },
    quoted: (name) => name.replaceAll(/\w+/g, '"$&"'),
  }
}

function inMysql(pool: MysqlDatabase): SqlRunner {
  return {
    dialect: 'mysql',
    async rows(sql, values = []) {
      const [rows] = await pool.execute(sql, values)
      return Array.isArray(rows) ? rows.map(columnsOf) : []
    },
    quoted: (name) => name.replaceAll(/\w+/g, '`$&`'),
  }
}

function inSqlite(database: SqliteDatabase): SqlRunner {
  return {
    dialect: 'sqlite',
    rows: async (sql, values = []) =>
      database
        .prepare(sql)
        .all(...values)
        .map(columnsOf),
    quoted: (name) => name.replaceAll(/\w+/g, '"$&"'),
  }
}

/** Clients answer objects or arrays, and some turn names of columns about. */
function columnsOf(row: unknown): readonly unknown[] {
  return Object.values(row as object)
}
