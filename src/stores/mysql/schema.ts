import { CoatcheckError } from '../../core/errors.ts'
import { invalid } from '../common/options.ts'
import { checkTable, commentFor, type Found, type Schema } from '../sql/schema.ts'
import type { Run } from './client.ts'
import { textOf } from './statements.ts'

/** What the columns hold, in bytes. A server without strict mode cuts what is longer, so put looks first. */
export const bytesMax = { id: 64, user: 1_536, body: 2 ** 24 - 1 }

/** The table, as sql/mysql makes it; a test holds the two together. */
export function schemaOf(table: string): Schema {
  return {
    table,
    files: 'sql/mysql/*.sql',
    columns: ['id varbinary', 'version varbinary', 'user_id varbinary', 'expires_at bigint', 'due bigint', 'body mediumblob'],
    migrations: [
      `-- Sessions of coatcheck/mysql, schema 1. store.migrate() runs this; by hand: mysql database < 001.sql
CREATE TABLE \`${table}\` (
  id         VARBINARY(${bytesMax.id}) NOT NULL PRIMARY KEY,
  version    VARBINARY(64) NOT NULL,
  user_id    VARBINARY(${bytesMax.user}),
  expires_at BIGINT NOT NULL,
  due        BIGINT NOT NULL,
  body       MEDIUMBLOB NOT NULL,
  KEY due (due),
  KEY user_id (user_id)
) ENGINE = InnoDB, ROW_FORMAT = DYNAMIC, COMMENT = '${commentFor(1)}';
`,
    ],
  }
}

const look = `SELECT version(), @@autocommit, @@read_only, @@max_allowed_packet, database(), t.engine, t.table_comment,
  (SELECT group_concat(c.column_name, ' ', c.data_type SEPARATOR ', ') FROM information_schema.columns AS c
    WHERE c.table_schema = database() AND c.table_name = t.table_name)
FROM (SELECT 1) AS one LEFT JOIN information_schema.tables AS t ON t.table_schema = database() AND t.table_name = ?`

export interface Looked extends Found {
  readonly version: string
  readonly autocommit: boolean
  readonly readOnly: boolean
  /** What a statement may have in all. */
  readonly packetBytes: number
  readonly database: string | null
  readonly engine: string | null
}

/** What there is to know about server and table. */
export async function lookAt(run: Run, table: string): Promise<Looked> {
  const { rows } = await run(look, [table])
  const [version, autocommit, readOnly, packetBytes, database, engine, comment, columns] = (rows[0] ?? []).map((value) =>
    value === null ? null : textOf(value),
  )
  return {
    version: String(version),
    autocommit: isOn(autocommit),
    readOnly: isOn(readOnly),
    packetBytes: Number(packetBytes),
    database: database ?? null,
    engine: engine ?? null,
    comment: comment ?? null,
    columns: (columns ?? '').split(', '),
  }
}

/** Throws for a server or a table that sessions cannot be kept in. */
export function checkServer(schema: Schema, looked: Looked): void {
  const { version, autocommit, readOnly, database, engine } = looked
  if (!isNewEnough(version))
    throw invalid(`mysqlStore needs MySQL 8.0 or MariaDB 10.6, or newer, and this is ${version}; upgrade the server`)
  if (database === null) throw invalid('the connections have no database; name one in the URL of the pool')
  if (!autocommit)
    throw invalid('autocommit is off, so that nothing would be kept; SET GLOBAL autocommit = 1, or take it out of init_connect')
  checkTable(schema, looked)
  if (engine !== 'InnoDB') throw invalid(`${schema.table} has engine ${engine}; ALTER TABLE ${schema.table} ENGINE = InnoDB`)
  if (readOnly) {
    throw new CoatcheckError(
      'store_unavailable',
      'mysqlStore: the server takes no writes (read_only is set, as on a replica); connect to the primary',
    )
  }
}

/** For `SKIP LOCKED`. */
function isNewEnough(version: string): boolean {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(version) ?? []
  const [least, leastMinor] = version.includes('MariaDB') ? [10, 6] : [8, 0]
  return Number(major) > least || (Number(major) === least && Number(minor) >= leastMinor)
}

/** A number, or a word where the variable has more than two values (`read_only` of MariaDB 12). */
function isOn(variable: string | null | undefined): boolean {
  return variable !== '0' && variable !== 'OFF'
}
