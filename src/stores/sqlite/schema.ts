import type { DatabaseSync } from 'node:sqlite'
import { invalid } from '../common/options.ts'

/** Says in the file's header whose it is: `coat`. */
const applicationId = 0x636f6174

/** What brings schema n to n + 1. Only ever append: files of every age are out there. */
const migrations = [
  `CREATE TABLE session (
     key        INTEGER PRIMARY KEY,
     id         TEXT NOT NULL UNIQUE,
     version    TEXT NOT NULL,
     user       TEXT,
     expires_at INTEGER NOT NULL,
     due        INTEGER NOT NULL,
     body       ANY NOT NULL
   ) STRICT;
   CREATE INDEX session_due ON session (due);
   CREATE INDEX session_user ON session (user) WHERE user IS NOT NULL;`,
  'ALTER TABLE session ADD COLUMN checksum INTEGER',
]

/** Refuses a file of somebody else or of a newer coatcheck (`config_invalid`), before anything in it is changed. */
export function checkOwner(db: DatabaseSync, file: string): void {
  const owner = numberOf(db, 'PRAGMA application_id')
  const version = numberOf(db, 'PRAGMA user_version')
  if (owner === applicationId) {
    if (version <= migrations.length) return
    throw invalid(
      `${file} has schema ${version}, from a newer coatcheck; this one knows ${migrations.length}. Upgrade coatcheck, or give file another path`,
    )
  }
  if (owner === 0 && version === 0 && isNew(db)) return
  throw invalid(`${file} is a database of another application; give sessions a file of their own`)
}

/** Whether nothing is in the file yet. */
export function isNew(db: DatabaseSync): boolean {
  return numberOf(db, 'SELECT count(*) FROM sqlite_schema') === 0
}

/** Throws when the table is not the one the statements are for. */
export function checkTable(db: DatabaseSync): void {
  db.prepare('SELECT key, id, version, user, expires_at, due, body, checksum FROM session')
}

/** Brings the schema up to date, if it is not. Several processes may do so at once. */
export function migrate(db: DatabaseSync, file: string): void {
  // A full disk must not keep anybody from opening the file.
  if (numberOf(db, 'PRAGMA user_version') === migrations.length) return
  db.exec('BEGIN IMMEDIATE')
  checkOwner(db, file)
  for (const step of migrations.slice(numberOf(db, 'PRAGMA user_version'))) db.exec(step)
  db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length}; COMMIT`)
}

/** The first column of the first row. */
export function numberOf(db: DatabaseSync, sql: string): number {
  return Number(Object.values(db.prepare(sql).get() ?? {})[0])
}
