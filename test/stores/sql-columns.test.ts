import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { createSessions } from '../../src/index.ts'
import { secret } from '../support/backends.ts'
import { describeWith } from '../support/server.ts'
import { Visitor } from '../support/visitor.ts'
import { failureOf, kinds, newDatabase, newRow, type SqlDatabase, type SqlKind } from './sql-kinds.ts'

for (const kind of kinds) describeWith([kind.name], `columns of ${kind.name}`, () => columns(kind))

function columns(kind: SqlKind): void {
  const withTable = (name: string, run: (place: SqlDatabase) => Promise<void>): void =>
    test(name, async () => {
      const place = kind.open(await newDatabase(kind))
      await place.store.migrate()
      await run(place).finally(() => place.close())
    })

  withTable('text that cannot be kept as it is rejects with value_invalid, and nothing is written', async ({ store }) => {
    for (const wrong of [
      { id: 'a\0b' },
      { id: 'a\ud800' },
      { user: 'a\0b' },
      { user: '\udc00' },
      { body: 'a\ud800b' },
      { expiresAt: 1.5 },
      { expiresAt: Number.NaN },
    ]) {
      expect(await failureOf(store.put(newRow(wrong), null)), JSON.stringify(wrong)).toMatchObject({ code: 'value_invalid' })
    }
    expect(await store.scan?.(null, 10)).toEqual({ ids: [], cursor: null })
  })

  withTable('F-21 an id or user that cannot be there is not there, and is nobody else', async ({ store }) => {
    const row = newRow({ id: '\ufffd'.repeat(8), user: 'a\ufffd' })
    expect(await store.put(row, null)).not.toBeNull()
    for (const id of ['\ud800'.repeat(8), 'a\0b', '', ' ', '../x', '%2e%2e', "' OR 1=1 --", '{"$gt":""}', 'x'.repeat(300)]) {
      expect(await store.get(id), JSON.stringify(id)).toBeNull()
      expect(await store.touch?.(id, Date.now() + 7_200_000)).toBe(false)
      await store.delete(id)
    }
    expect(await store.getMany?.(['a\0b', row.id, '\ud800'])).toMatchObject([null, { id: row.id }, null])
    expect(await store.idsOf?.('a\ud800')).toEqual([])
    expect(await store.idsOf?.('a\0')).toEqual([])
    expect(await store.idsOf?.('a\ufffd')).toEqual([row.id])
  })

  withTable('A-07 a cursor that was tampered with harms nothing', async ({ store }) => {
    const row = newRow()
    await store.put(row, null)
    for (const cursor of ["' OR 1=1 --", '{"$gt":""}', 'zzzz'.repeat(100), '\\']) {
      const page = await store.scan?.(cursor, 10)
      expect(page?.ids.every((id) => id === row.id)).toBe(true)
    }
    expect(await failureOf(store.scan?.('\0', 10) as Promise<unknown>)).toMatchObject({ code: 'value_invalid' })
  })

  withTable('the longest user that signIn takes has a place in the index', async ({ store }) => {
    const random = (): string =>
      Array.from({ length: 512 }, () => String.fromCodePoint(0x4e00 + Math.floor(Math.random() * 0x5000))).join('')
    const users = [random(), random()]
    const rows = users.map((user) => newRow({ user }))
    for (const row of rows) expect(await store.put(row, null)).not.toBeNull()
    for (const [n, user] of users.entries()) expect(await store.idsOf?.(user)).toEqual([rows[n]?.id])
  })

  withTable('every whole millisecond comes back as it was', async ({ store }) => {
    for (const expiresAt of [0, -1, 1, 2 ** 31, 2 ** 53 - 1, -(2 ** 53) + 1]) {
      const row = newRow({ expiresAt })
      const version = await store.put(row, null)
      expect(await store.get(row.id)).toEqual({ ...row, version })
      expect(await store.touch?.(row.id, 2 ** 53 - 2)).toBe(true)
      expect((await store.get(row.id))?.expiresAt).toBe(Math.max(expiresAt, 2 ** 53 - 2))
    }
  })

  withTable('a thousand ids in one read, some of them twice', async ({ store }) => {
    const rows = Array.from({ length: 50 }, () => newRow())
    for (const row of rows) await store.put(row, null)
    const asked = Array.from({ length: 1_000 }, (_, n) => (n % 3 === 0 ? newRow().id : (rows[n % 50]?.id ?? '')))
    const found = (await store.getMany?.(asked)) ?? []
    expect(found.map((row, n) => (n % 3 === 0 ? row : row?.id))).toEqual(asked.map((id, n) => (n % 3 === 0 ? null : id)))
  })

  withTable("P-05 what somebody else writes into the table is no session, and kills nobody's", async ({ store, query }) => {
    const events: string[] = []
    const sessions = createSessions<{ n: number }>({
      secret,
      store,
      onEvent: (event) => events.push(event.type === 'rejected' ? event.why : event.type),
    })
    const [visitor, other] = [new Visitor(sessions), new Visitor(sessions)]
    await visitor.visit((session) => session.set('n', 1))
    const { result: id } = await visitor.visit((session) => session.id)
    await other.visit((session) => session.set('n', 2))
    const bytes = kind.name === 'mysql' ? "x'ff00fe'" : "E'\\001\\u00ff'"
    for (const body of ["'{}'", "' '", "'null'", `'{"v":99}'`, `'a:1:{s:1:"n";i:1;}'`, bytes]) {
      await query(`UPDATE coatcheck_session SET body = ${body} WHERE id = '${id}'`)
      const { result } = await visitor.clone().visit((session) => ({ isNew: session.isNew, n: session.get('n') }))
      expect(result, body).toEqual({ isNew: true, n: undefined })
    }
    expect(events.filter((type) => type === 'unreadable')).toHaveLength(6)
    expect((await other.visit((session) => session.get('n'))).result).toBe(2)
    await sessions.close()
  })

  withTable('O-01 no error quotes the row, also where the server does', async ({ store, query }) => {
    await query('ALTER TABLE coatcheck_session ADD COLUMN note varchar(9) NOT NULL')
    await query('ALTER TABLE coatcheck_session ADD CONSTRAINT few CHECK (expires_at > 5)')
    const error = await failureOf(store.put(newRow({ body: 'canary', expiresAt: 1 }), null))
    expect(error).toMatchObject({ code: 'store_unavailable' })
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('canary')
    expect(JSON.stringify(error.cause)).not.toContain('canary')
  })

  withTable('a connection that ends while nobody uses it ends nothing else', async ({ store, query }) => {
    await Promise.all(Array.from({ length: 4 }, () => store.get('a')))
    if (kind.name === 'postgres') {
      await query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()')
    } else {
      const others = await query('SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()')
      for (const { id } of others) await query(`KILL ${String(id)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await Promise.all(Array.from({ length: 4 }, () => store.get('a')))).toEqual([null, null, null, null])
  })
}
