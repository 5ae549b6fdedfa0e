import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../../scripts/source.ts'
import { checkTable, migrateTable, type Schema } from '../../src/stores/sql/schema.ts'
import { describeWith } from '../support/server.ts'
import { failureOf, kinds, newDatabase, newRow, type SqlDatabase } from './sql-kinds.ts'

for (const kind of kinds) {
  describe(`sql/${kind.name}`, () => {
    test('holds the text that migrate() runs', () => {
      const files = readdirSync(join(root, 'sql', kind.name)).toSorted()
      const texts = files.map((file) => readFileSync(join(root, 'sql', kind.name, file), 'utf8'))
      expect(files).toEqual(kind.schemaOf('coatcheck_session').migrations.map((_, n) => `${n + 1}.sql`.padStart(7, '0')))
      expect(texts).toEqual(kind.schemaOf('coatcheck_session').migrations)
    })
  })

  describeWith([kind.name], `the table in ${kind.name}`, () => {
    const places: SqlDatabase[] = []
    const open = (url: string, table?: string): SqlDatabase => {
      const place = kind.open(url, table === undefined ? {} : { table })
      places.push(place)
      return place
    }
    const closeAll = (): Promise<unknown> => Promise.all(places.splice(0).map((place) => place.close()))
    const inNewDatabase = (name: string, run: (place: SqlDatabase, url: string) => Promise<void>): void =>
      test(name, async () => {
        const url = await newDatabase(kind)
        await run(open(url), url).finally(closeAll)
      })

    inNewDatabase('is missing: ready and every call say what to do', async ({ store }) => {
      expect(await failureOf(store.ready?.() as Promise<void>)).toMatchObject({
        code: 'config_invalid',
        message: expect.stringMatching(/no table coatcheck_session.*store\.migrate\(\).*sql\/(postgres|mysql)/),
      })
      for (const call of [() => store.get('a'), () => store.put(newRow(), null), () => store.delete('a'), () => store.sweep?.(1, 1)]) {
        expect(await failureOf(Promise.resolve(call()))).toMatchObject({
          code: 'store_unavailable',
          message: expect.stringContaining('store.migrate()'),
        })
      }
    })

    inNewDatabase('is made once, and left alone afterwards', async ({ store, query }) => {
      await store.migrate()
      await store.ready?.()
      const row = newRow({ user: 'ann' })
      const version = await store.put(row, null)
      await store.migrate()
      expect(await store.get(row.id)).toEqual({ ...row, version })
      await query('DROP TABLE coatcheck_session')
      await store.migrate()
      expect(await store.get(row.id)).toBeNull()
    })

    inNewDatabase('F-23 is made by many processes at once', async (_place, url) => {
      const all = Array.from({ length: 8 }, () => open(url).store)
      await Promise.all(all.map((store) => store.migrate()))
      await Promise.all(all.map((store) => store.ready?.()))
    })

    inNewDatabase('may be made by hand', async ({ store, query }) => {
      await query(readFileSync(join(root, 'sql', kind.name, '001.sql'), 'utf8'))
      await store.ready?.()
      await store.migrate()
      expect(await store.put(newRow(), null)).not.toBeNull()
    })

    inNewDatabase('has the name it is given, also one that is a word of SQL', async (_place, url) => {
      const names = ['select', 'user', '_s', 'a'.repeat(50)]
      const stores = names.map((name) => open(url, name).store)
      for (const store of stores) await store.migrate()
      const row = newRow()
      for (const [n, store] of stores.entries()) {
        await store.ready?.()
        expect(await store.put({ ...row, body: `${n}` }, null)).not.toBeNull()
      }
      expect(await Promise.all(stores.map(async (store) => (await store.get(row.id))?.body))).toEqual(['0', '1', '2', '3'])
    })

    inNewDatabase("F-23 of a newer coatcheck is refused, and somebody else's; both stay as they are", async ({ store, query }) => {
      await store.migrate()
      for (const [comment, words] of [
        ['coatcheck sessions, schema 99', /schema 99, from a newer coatcheck.*Upgrade coatcheck/],
        ['the diary', /not a table of coatcheck.*give table another name/],
        ['', /not a table of coatcheck/],
        ['coatcheck sessions, schema 0', /not a table of coatcheck/],
      ] as const) {
        await query(kind.comment('coatcheck_session', comment))
        for (const call of [store.ready, store.migrate]) {
          expect(await failureOf(call?.() as Promise<void>), comment).toMatchObject({
            code: 'config_invalid',
            message: expect.stringMatching(words),
          })
        }
      }
      await query(kind.comment('coatcheck_session', 'coatcheck sessions, schema 1'))
      await store.ready?.()
    })

    inNewDatabase('that somebody altered is refused, by name of what it lacks', async ({ store, query }) => {
      await store.migrate()
      await query('ALTER TABLE coatcheck_session ADD COLUMN note varchar(9)')
      await store.ready?.()
      await query('ALTER TABLE coatcheck_session DROP COLUMN body')
      expect(await failureOf(store.ready?.() as Promise<void>)).toMatchObject({
        code: 'config_invalid',
        message: expect.stringMatching(/lacks body (text|mediumblob)/),
      })
      expect(await failureOf(store.get('a'))).toMatchObject({ code: 'store_unavailable', message: expect.stringContaining('was altered') })
    })

    inNewDatabase('that is lost while in use and made again serves at once', async ({ store, query }) => {
      await store.migrate()
      for (let n = 0; n < 8; n++) await store.get('a')
      await query('DROP TABLE coatcheck_session')
      expect(await failureOf(store.get('a'))).toMatchObject({ code: 'store_unavailable', message: expect.stringContaining('migrate()') })
      await store.migrate()
      expect(await store.get('a')).toBeNull()
    })
  })
}

describe('a schema of several steps', () => {
  const schema: Schema = { table: 't', files: 'sql/*.sql', columns: [], migrations: ['one', 'two', 'three'] }

  /** A database that knows nothing but its version, and fails a step that is not its next. */
  function database(): { version: number; comment(): Promise<{ comment: string | null; columns: [] }>; run(step: string): Promise<void> } {
    return {
      version: 0,
      async comment() {
        return { comment: this.version === 0 ? null : `coatcheck sessions, schema ${this.version}`, columns: [] }
      },
      async run(step) {
        if (schema.migrations[this.version] !== step) throw new Error(`${step} does not apply to schema ${this.version}`)
        this.version++
      },
    }
  }

  test('each is run once, whoever else is at it', async () => {
    const db = database()
    const migrate = (): Promise<void> =>
      migrateTable(
        schema,
        () => db.comment(),
        (step) => db.run(step),
      )
    await Promise.all(Array.from({ length: 5 }, migrate))
    expect(db.version).toBe(3)
    await migrate()
    expect(db.version).toBe(3)
  })

  test('F-23 of an older coatcheck is to be migrated first', async () => {
    const older = { comment: 'coatcheck sessions, schema 2', columns: [] }
    expect(() => checkTable(schema, older)).toThrow('t has schema 2 and this coatcheck needs 3; call await store.migrate()')
    expect(() => checkTable(schema, { ...older, comment: 'coatcheck sessions, schema 3' })).not.toThrow()
  })

  test('one that fails is told', async () => {
    const db = database()
    await expect(
      migrateTable(
        schema,
        () => db.comment(),
        () => Promise.reject(new Error('disk full')),
      ),
    ).rejects.toThrow('disk full')
  })
})
