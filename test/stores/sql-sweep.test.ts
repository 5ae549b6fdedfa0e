import { expect, test } from 'vitest'
import { describeWith } from '../support/server.ts'
import { kinds, newDatabase, newRow, type SqlDatabase, type SqlKind } from './sql-kinds.ts'

const hourMs = 3_600_000

for (const kind of kinds) describeWith([kind.name], `sweeping ${kind.name}`, () => sweeps(kind))

function sweeps(kind: SqlKind): void {
  const withTable = (name: string, run: (place: SqlDatabase, url: string) => Promise<void>): void =>
    test(name, async () => {
      const url = await newDatabase(kind)
      const place = kind.open(url)
      await place.store.migrate()
      await run(place, url).finally(() => place.close())
    })

  withTable('two processes at once drop every row once', async ({ store, query }, url) => {
    const other = kind.open(url)
    const rows = Array.from({ length: 1_200 }, () => newRow({ expiresAt: Date.now() - hourMs }))
    await inBatches(rows, (row) => store.put(row, null))
    const live = newRow()
    await store.put(live, null)
    const sweepAll = async (one: SqlDatabase): Promise<number> => {
      for (let dropped = 0; ;) {
        const more = (await one.store.sweep?.(Date.now(), 100)) ?? 0
        if (more === 0) return dropped
        expect(more).toBeLessThanOrEqual(100)
        dropped += more
      }
    }
    const dropped = await Promise.all([sweepAll({ store, query, close: () => Promise.resolve() }), sweepAll(other)])
    // One that finds all rows in the other's hands goes to rest.
    expect(dropped.reduce((sum, one) => sum + one, 0) + (await sweepAll(other))).toBe(1_200)
    expect(Number((await query('SELECT count(*) AS n FROM coatcheck_session'))[0]?.['n'])).toBe(1)
    expect(await store.get(live.id)).not.toBeNull()
    await other.close()
  })

  withTable('passes over a row that somebody has locked, and drops the others', async ({ store }, url) => {
    const [locked, free] = [newRow({ expiresAt: 1_000 }), newRow({ expiresAt: 2_000 })]
    for (const row of [locked, free]) await store.put(row, null)
    const other = kind.open(url, { connections: 1 })
    await other.query('BEGIN')
    await other.query(kind.lockRow(locked.id))
    expect(await store.sweep?.(Date.now(), 10)).toBe(1)
    expect(await store.get(free.id)).toBeNull()
    await other.query('COMMIT')
    expect(await store.sweep?.(Date.now(), 10)).toBe(1)
    expect(await store.get(locked.id)).toBeNull()
    await other.close()
  })

  withTable('files what lived on once, and looks at it no more', async ({ store, query }) => {
    const now = Date.now()
    const row = newRow({ expiresAt: now + 1_000 })
    const version = await store.put(row, null)
    expect(await store.put({ ...row, expiresAt: now + hourMs }, version)).not.toBeNull()
    const due = async (): Promise<number> => Number((await query('SELECT due FROM coatcheck_session'))[0]?.['due'])
    expect(await due(), 'a write does not move it').toBe(now + 1_000)
    expect(await store.touch?.(row.id, now + 2 * hourMs)).toBe(true)
    expect(await due(), 'nor does a touch').toBe(now + 1_000)
    expect(await store.sweep?.(now + 2_000, 10)).toBe(0)
    expect(await due()).toBe(now + 2 * hourMs)
    expect(await store.sweep?.(now + 3 * hourMs, 10)).toBe(1)
  })

  withTable('goes past many that lived on to the one that did not', async ({ store }) => {
    const now = Date.now()
    const rows = Array.from({ length: 1_100 }, () => newRow({ expiresAt: now + 1_000 }))
    await inBatches(rows, async (row) => {
      await store.put(row, null)
      await store.touch?.(row.id, now + hourMs)
    })
    await store.put(newRow({ expiresAt: now + 2_000 }), null)
    expect(await store.sweep?.(now + 3_000, 10)).toBe(1)
    expect(await store.sweep?.(now + 3_000, 10)).toBe(0)
  })

  withTable('R-02 never drops a row that a touch or a put beside it kept alive', async ({ store }) => {
    const now = Date.now()
    for (let round = 0; round < 20; round++) {
      const rows = Array.from({ length: 20 }, () => newRow({ expiresAt: now - 1_000 }))
      const versions = await Promise.all(rows.map((row) => store.put(row, null)))
      const kept = rows.map((row, n) =>
        n % 2 === 0
          ? store.touch?.(row.id, now + hourMs)
          : store.put({ ...row, expiresAt: now + hourMs }, versions[n] ?? null).then((version) => version !== null),
      )
      const [answers] = await Promise.all([Promise.all(kept), store.sweep?.(now, 20)])
      const found = (await store.getMany?.(rows.map(({ id }) => id))) ?? []
      expect(found.map((row) => row !== null)).toEqual(answers)
      await Promise.all(rows.map(({ id }) => store.delete(id)))
    }
  })
}

/** A few at a time: those who wait for a connection too long are turned away. */
async function inBatches<T>(list: readonly T[], run: (one: T) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < list.length; from += 100) await Promise.all(list.slice(from, from + 100).map(run))
}
