import { invalid } from '../common/options.ts'

/** What a database has under the name of the table. */
export interface Found {
  /** Its comment, which says what it is; `null`: there is no such table. */
  readonly comment: string | null
  /** `name type` of every column, in any order. */
  readonly columns: readonly string[]
}

/** How a store's tables are made. */
export interface Schema {
  readonly table: string
  /** The files with the same SQL, for a person who runs it himself. */
  readonly files: string
  readonly columns: readonly string[]
  /**
   * What brings schema n to n + 1. Only ever append. Each happens as a whole or not at all, and fails on a table it was not made for: then
   * nobody needs a lock, and of several processes that migrate at once all but one find it done.
   */
  readonly migrations: readonly string[]
}

/** The comment on a table of ours. */
export function commentFor(version: number): string {
  return `coatcheck sessions, schema ${version}`
}

/** The version of the schema, 0 where there is no table. Throws `config_invalid` for a table that is not ours, or not yet known. */
function versionOf({ table, migrations, files }: Schema, { comment }: Found): number {
  if (comment === null) return 0
  const [, digits] = /^coatcheck sessions, schema ([1-9]\d{0,5})$/.exec(comment) ?? []
  if (digits === undefined) {
    throw invalid(
      `${table} is not a table of coatcheck (its comment does not say so); give table another name. If it was left half made by ${files}, drop it`,
    )
  }
  const version = Number(digits)
  if (version <= migrations.length) return version
  throw invalid(
    `${table} has schema ${version}, from a newer coatcheck; this one knows ${migrations.length}. Upgrade coatcheck, or give table another name`,
  )
}

/** Throws `config_invalid` unless the table is the one the statements are for. */
export function checkTable(schema: Schema, found: Found): void {
  const { table, migrations, files, columns } = schema
  const version = versionOf(schema, found)
  const how = `call await store.migrate() before serving, or run ${files}`
  if (version === 0) throw invalid(`there is no table ${table}; ${how}`)
  if (version < migrations.length) throw invalid(`${table} has schema ${version} and this coatcheck needs ${migrations.length}; ${how}`)
  const missing = columns.filter((column) => !found.columns.includes(column))
  if (missing.length > 0) throw invalid(`${table} lacks ${missing.join(', ')}; undo what was done to it, or drop it and ${how}`)
}

/** Brings the table up to date. */
export async function migrateTable(schema: Schema, look: () => Promise<Found>, run: (sql: string) => Promise<unknown>): Promise<void> {
  for (;;) {
    const version = versionOf(schema, await look())
    const step = schema.migrations[version]
    if (step === undefined) return
    try {
      await run(step)
    } catch (error) {
      if (versionOf(schema, await look()) === version) throw error
    }
  }
}
