import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSessions } from '../../src/index.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { rot } from '../gate/sqlite-rot.ts'
import { holder, listener } from '../support/raw.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coatcheck-rot-'))
  file = join(folder, 'sessions.db')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('K-04 whatever bit of the file rots, nobody reads wrong data, and few lose their session', async () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const { wrong, lost, flips, noticed } = await rot(200, seed)
  expect(wrong, `SEED=${seed}`).toEqual([])
  expect(lost).toBeLessThan(5)
  // Most of a file is room that nobody uses.
  expect(noticed).toBeGreaterThan(flips / 20)
})

const changes = {
  version: "version || '0'",
  user: "'bob'",
  expires_at: 'expires_at + 1',
  body: `replace(body, '"blue"', '"blul"')`,
} as const

test.each(Object.entries(changes))('K-04 a changed %s opens no session, and is an event', async (column, to) => {
  const { onEvent, rejections } = listener()
  const store = sqliteStore({ file })
  const sessions = createSessions({ secret: 'only the tests of bit rot use this secret', store, onEvent })
  const [{ visitor, id }, other] = [await holder(sessions, 'blue'), await holder(sessions, 'green')]
  const db = new DatabaseSync(file)
  expect(db.prepare(`UPDATE session SET ${column} = ${to} WHERE id = ?`).run(id).changes).toBe(1)
  db.close()
  expect((await visitor.visit((session) => [session.isNew, session.user])).result).toEqual([true, null])
  expect(rejections()).toContain('unreadable')
  expect((await other.visitor.visit((session) => session.get('mine'))).result).toBe('green')
  // It stays damaged when it is touched, takes up its place, and can be removed.
  expect(await store.touch?.(id, Date.now() + 9e9)).toBe(false)
  expect(await store.put({ id, body: '{}', user: null, expiresAt: 4e12 }, null)).toBeNull()
  await store.delete(id)
  expect(await store.get(id)).toBeNull()
  await sessions.close()
})

test('F-23 a file from before there were checksums keeps its sessions', async () => {
  const db = new DatabaseSync(file)
  db.exec(`
    CREATE TABLE session (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version TEXT NOT NULL, user TEXT,
      expires_at INTEGER NOT NULL, due INTEGER NOT NULL, body ANY NOT NULL) STRICT;
    CREATE INDEX session_due ON session (due);
    CREATE INDEX session_user ON session (user) WHERE user IS NOT NULL;
    INSERT INTO session (id, version, user, expires_at, due, body) VALUES ('old', 'v-1', 'ann', 4000000000000, 4000000000000, '{}');
    PRAGMA application_id = 0x636f6174; PRAGMA user_version = 1;
  `)
  db.close()
  const store = sqliteStore({ file })
  const old = { id: 'old', version: 'v-1', user: 'ann', expiresAt: 4e12, body: '{}' }
  expect(await store.get('old')).toEqual(old)
  expect(await store.touch?.('old', 4e12 + 1)).toBe(true)
  expect(await store.get('old')).toEqual({ ...old, expiresAt: 4e12 + 1 })
  const version = await store.put({ ...old, body: '{"new":1}' }, 'v-1')
  expect(await store.get('old')).toEqual({ ...old, body: '{"new":1}', version })
  await store.close?.()
})
