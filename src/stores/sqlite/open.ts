import { DatabaseSync } from 'node:sqlite'
import { CoatcheckError } from '../../core/errors.ts'
import { invalid } from '../common/options.ts'
import { isWrongFile, reasonOf, unavailable } from './failures.ts'
import { createFile } from './file.ts'
import { checkOwner, checkTable, isNew, migrate } from './schema.ts'

export interface OpenSettings {
  readonly durability: 'full' | 'normal'
  readonly busyMs: number
  readonly cacheMiB: number
  readonly mmapMiB: number
}

/** A database without a file, for tests. */
export const inMemory = ':memory:'

/** Opens the file, makes it if need be and brings its schema up to date. Throws `config_invalid`, or `store_unavailable`. */
export function openDatabase(file: string, settings: OpenSettings): DatabaseSync {
  if (file !== inMemory) createFile(file)
  let db: DatabaseSync | null = null
  try {
    db = new DatabaseSync(file)
    prepare(db, file, settings)
    return db
  } catch (error) {
    db?.close()
    if (error instanceof CoatcheckError) throw error
    throw isWrongFile(error) ? invalid(`sqliteStore cannot use ${file}: ${reasonOf(error)}`, error) : unavailable(error)
  }
}

function prepare(db: DatabaseSync, file: string, { durability, busyMs, cacheMiB, mmapMiB }: OpenSettings): void {
  // While starting it may wait; afterwards waiting is done without stopping the process.
  db.exec(`PRAGMA busy_timeout = ${busyMs}`)
  checkOwner(db, file)
  // Decided before the first table, and a write each time it is said.
  if (isNew(db)) db.exec('PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL')
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'};
    PRAGMA journal_size_limit = ${64 * 1024 * 1024};
    PRAGMA cache_size = ${-1024 * cacheMiB};
    PRAGMA mmap_size = ${1024 * 1024 * mmapMiB};
  `)
  migrate(db, file)
  checkTable(db)
  db.exec('PRAGMA busy_timeout = 0')
}
