/**
 * Keeps a SQLite store's file in order as fast as it can, until it is killed: fills it with sessions that are over, sweeps them away,
 * gives the room back, and empties the log. One line on stdout before each step: `at fill`, `at sweep`, `at vacuum`,
 * `at checkpoint`.
 *
 * Arguments: file, a prefix for the ids.
 */
import { writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { bodyOf } from './sqlite-row.ts'

const [file = '', prefix = ''] = process.argv.slice(2)
const store = sqliteStore({ file, busyMs: 30_000 })
const db = new DatabaseSync(file)
let made = 0

function at(step: string): void {
  // Synchronous, so that what is said is said before what comes next.
  writeSync(1, `at ${step}\n`)
}

db.exec('PRAGMA busy_timeout = 30000')

for (;;) {
  at('fill')
  const ids = Array.from({ length: 150 }, () => `${prefix}over${(++made).toString(36)}`.padEnd(24, '-'))
  await Promise.all(ids.map((id) => store.put({ id, body: bodyOf(id, 1), user: null, expiresAt: 1 }, null)))
  at('sweep')
  await store.sweep?.(2, 1_000)
  at('vacuum')
  db.exec('PRAGMA incremental_vacuum(64)')
  at('checkpoint')
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
}
