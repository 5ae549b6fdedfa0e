/** Counts up one row of a SQLite store, with compare-and-swap, beside other processes. Arguments: file, id, how often. */
import { sqliteStore } from '../../src/stores/sqlite.ts'

const [file = '', id = '', times = '0'] = process.argv.slice(2)
const store = sqliteStore({ file, busyMs: 20_000 })
for (let done = 0; done < Number(times);) {
  const row = await store.get(id)
  const count = row === null ? 0 : Number(row.body)
  const version = await store.put({ id, body: `${count + 1}`, user: null, expiresAt: 4e12 }, row?.version ?? null)
  if (version !== null) done++
}
await store.close?.()
