/**
 * Writes to a SQLite store as fast as it can, until it is killed. One line on stdout before each write, one after it was acknowledged:
 *
 *   try n put|delete|touch id        n counts within the id
 *   ack n put|delete|touch id
 *
 * Arguments: file, a prefix for the ids, a seed, how many sessions write at the same time.
 */
import { writeSync } from 'node:fs'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { bodyOf, expiresAt, randomFrom, userOf } from './sqlite-row.ts'

const [file = '', prefix = '', seed = '0', parallel = '16'] = process.argv.slice(2)
const random = randomFrom(Number(seed))
const store = sqliteStore({ file, busyMs: 30_000 })
let sessions = 0

/** One session's life after another. */
async function live(): Promise<void> {
  for (;;) {
    const id = `${prefix}${(++sessions).toString(36).padStart(8, '0')}`.padEnd(24, '-')
    const writes = 1 + Math.floor(random() * 6)
    let version: string | null = null
    for (let n = 1; n <= writes; n++) {
      version = await step(n, 'put', id, () =>
        store.put({ id, body: bodyOf(id, n), user: userOf(id, n), expiresAt: expiresAt(n) }, version),
      )
      if (version === null) throw new Error(`a put of ${id} lost, and nobody else writes it`)
    }
    const end = random()
    if (end < 0.5) await step(writes + 1, 'delete', id, () => store.delete(id))
    else if (end < 0.75) await step(writes + 1, 'touch', id, async () => store.touch?.(id, expiresAt(writes + 1)))
  }
}

async function step<T>(n: number, what: string, id: string, write: () => Promise<T>): Promise<T> {
  // Synchronous, so that what is said is said before what comes next.
  writeSync(1, `try ${n} ${what} ${id}\n`)
  const answer = await write()
  writeSync(1, `ack ${n} ${what} ${id}\n`)
  return answer
}

await Promise.all(Array.from({ length: Number(parallel) }, live))
