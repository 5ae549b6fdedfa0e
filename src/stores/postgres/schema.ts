import { CoatcheckError } from '../../core/errors.ts'
import { invalid } from '../common/options.ts'
import { checkTable, commentFor, type Found, type Schema } from '../sql/schema.ts'
import type { Run, Statement } from './client.ts'

/** `"name"` or `"schema"."name"`. Quoted, because it may be a word of SQL. */
export function quoted(table: string): string {
  return table
    .split('.')
    .map((part) => `"${part}"`)
    .join('.')
}

/** The table, as sql/postgres makes it; a test holds the two together. */
export function schemaOf(table: string): Schema {
  const name = quoted(table)
  const index = (of: string): string => `"${table.split('.').at(-1)}_${of}"`
  return {
    table,
    files: 'sql/postgres/*.sql',
    columns: ['id text', 'version text', 'user_id text', 'expires_at bigint', 'due bigint', 'body text'],
    migrations: [
      `-- Sessions of coatcheck/postgres, schema 1. store.migrate() runs this; by hand: psql --single-transaction --file 001.sql
CREATE TABLE ${name} (
  id         text COLLATE "C" PRIMARY KEY,
  version    text COLLATE "C" NOT NULL,
  user_id    text COLLATE "C",
  expires_at bigint NOT NULL,
  due        bigint NOT NULL,
  body       text NOT NULL
) WITH (fillfactor = 75);
CREATE INDEX ${index('due')} ON ${name} (due);
CREATE INDEX ${index('user')} ON ${name} (user_id) WHERE user_id IS NOT NULL;
COMMENT ON TABLE ${name} IS '${commentFor(1)}';
`,
    ],
  }
}

/** `to_regclass` sees a table before the snapshot of the statement does, and then there is no comment yet: so it is looked up in `pg_class`. */
const look: Statement = {
  text: `SELECT current_setting('server_version_num'), current_setting('server_encoding'), current_setting('transaction_read_only'),
  CASE WHEN t IS NOT NULL THEN coalesce(obj_description(t, 'pg_class'), '') END,
  (SELECT string_agg(attname || ' ' || format_type(atttypid, NULL), ', ') FROM pg_attribute WHERE attrelid = t AND attnum > 0 AND NOT attisdropped),
  (SELECT string_agg(p, ', ') FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p WHERE NOT has_table_privilege(t, p))
FROM (SELECT (SELECT oid FROM pg_class WHERE oid = to_regclass($1)) AS t) AS found`,
}

/** For `ON CONFLICT`, `SKIP LOCKED` and `to_regclass(text)`. */
const versionMin = 90_600

export interface Looked extends Found {
  readonly version: number
  readonly encoding: string
  readonly readOnly: boolean
  /** What this user may not do with the table. */
  readonly forbidden: string
}

/** What there is to know about server and table. */
export async function lookAt(run: Run, table: string): Promise<Looked> {
  const { rows } = await run(look, [quoted(table)])
  const [version, encoding, readOnly, comment, columns, forbidden] = rows[0] as (string | null)[]
  return {
    version: Number(version),
    encoding: String(encoding),
    readOnly: readOnly === 'on',
    comment: comment ?? null,
    columns: (columns ?? '').split(', '),
    forbidden: forbidden ?? '',
  }
}

/** Throws for a server or a table that sessions cannot be kept in. */
export function checkServer(schema: Schema, looked: Looked): void {
  const { version, encoding, readOnly, forbidden } = looked
  if (version < versionMin) throw invalid(`postgresStore needs PostgreSQL 9.6 or newer, and this server says ${version}; upgrade it`)
  if (encoding !== 'UTF8')
    throw invalid(`the database has encoding ${encoding}; make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`)
  checkTable(schema, looked)
  if (forbidden !== '') throw invalid(`this user may not ${forbidden} in ${schema.table}; GRANT SELECT, INSERT, UPDATE, DELETE ON it`)
  if (readOnly) {
    throw new CoatcheckError(
      'store_unavailable',
      'postgresStore: the server takes no writes (a replica, or default_transaction_read_only); connect to the primary',
    )
  }
}
