import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SessionStore } from '../../src/core/types.ts'
import { openDatabase } from '../../src/stores/sqlite/open.ts'
import { sqliteStore, type SqliteStoreOptions } from '../../src/stores/sqlite.ts'

const hourMs = 3_600_000

let folder: string
let file: string
const closing: (() => unknown)[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coatcheck-sqlite-'))
  file = join(folder, 'sessions.db')
})

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  rmSync(folder, { recursive: true, force: true })
})

function open(options: Partial<SqliteStoreOptions> = {}): SessionStore {
  const store = sqliteStore({ file, ...options })
  closing.push(() => store.close?.())
  return store
}

/** The same file as another program sees it. */
function beside(): DatabaseSync {
  const db = new DatabaseSync(file)
  closing.push(() => db.close())
  return db
}

function row(columns: { id?: string; body?: string; user?: string | null; expiresAt?: number } = {}) {
  return { id: randomBytes(18).toString('base64url'), body: '{}', user: null, expiresAt: Date.now() + hourMs, ...columns }
}

async function create(store: SessionStore, columns: Parameters<typeof row>[0] = {}) {
  const created = row(columns)
  const version = await store.put(created, null)
  if (version === null) throw new Error('the place was taken')
  return { ...created, version }
}

const unavailable = { code: 'store_unavailable' }

describe('the file', () => {
  test.skipIf(process.platform === 'win32')('is for its owner only, as are the files beside it; folders are made', async () => {
    file = join(folder, 'a', 'b', 'sessions.db')
    await create(open())
    for (const suffix of ['', '-wal', '-shm', '-reserve']) expect((statSync(file + suffix).mode & 0o777).toString(8), suffix).toBe('600')
    expect((statSync(join(folder, 'a')).mode & 0o777).toString(8)).toBe('700')
  })

  test('is not written to when it is opened again', async () => {
    await create(open())
    const before = commits()
    open()
    expect(commits()).toBe(before)
  })

  test('is one that other tools can read', async () => {
    const store = open()
    const { id } = await create(store, { body: '{"cart":["tea"]}', user: 'ann', expiresAt: 1_900_000_000_000 })
    expect({ ...beside().prepare("SELECT id, user, expires_at, body ->> '$.cart[0]' AS item FROM session").get() }).toEqual({
      id,
      user: 'ann',
      expires_at: 1_900_000_000_000,
      item: 'tea',
    })
  })

  test('D-06 shrinks after its sessions expired', async () => {
    const store = open()
    const body = 'x'.repeat(1_000)
    const now = Date.now()
    const rows = Array.from({ length: 3_000 }, (_, n) => create(store, { body, expiresAt: n % 20 === 0 ? now + hourMs : now - hourMs }))
    await Promise.all(rows)
    let dropped = 0
    for (let step = 1; step > 0; dropped += step) step = (await store.sweep?.(now, 500)) ?? 0
    expect(dropped).toBe(2_850)
    await store.close?.()
    expect(statSync(file).size).toBeLessThan(900_000)
    expect(existsSync(`${file}-wal`)).toBe(false)
  })

  test('K-09 does not grow while sessions come and go', async () => {
    const store = open()
    const body = 'x'.repeat(1_000)
    const sizes: number[] = []
    for (let round = 0; round < 12; round++) {
      const now = Date.now()
      await Promise.all(Array.from({ length: 500 }, () => create(store, { body, expiresAt: now - 1 })))
      await store.sweep?.(now, 500)
      beside().exec('PRAGMA wal_checkpoint(TRUNCATE)')
      sizes.push(statSync(file).size)
    }
    expect(Math.max(...sizes)).toBeLessThan(3 * 500 * 1_000)
  })
})

function refusal(options: unknown): unknown {
  try {
    return void sqliteStore(options as SqliteStoreOptions)
  } catch (error) {
    return error
  }
}

describe('opening refuses, and says what to write instead:', () => {
  test.each([
    [{}, 'needs a file'],
    [{ file: '' }, 'needs a file'],
    [{ file: 5 }, 'needs a file'],
    [null, 'takes an object'],
    [{ file: ':memory:', durability: 'none' }, "'full' or 'normal'"],
    [{ file: ':memory:', busyMs: -1 }, 'busyMs must be a whole number'],
    [{ file: ':memory:', cacheMiB: 0 }, 'cacheMiB must be'],
    [{ file: ':memory:', mmapMiB: 0.5 }, 'mmapMiB must be'],
    [{ file: ':memory:', path: 'x' }, 'no option path'],
  ])('%o', (options, words) => {
    expect(refusal(options)).toMatchObject({ code: 'config_invalid', message: expect.stringContaining(words) })
  })

  test('a folder that cannot be, a path that is a folder', () => {
    writeFileSync(file, 'a file')
    expect(refusal({ file: join(file, 'below', 'sessions.db') })).toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('may write to'),
    })
    expect(refusal({ file: folder })).toMatchObject({ code: 'config_invalid' })
  })

  test('a file that is no database, which stays as it was', () => {
    const text = 'Dear diary, '.repeat(100)
    writeFileSync(file, text)
    expect(refusal({ file })).toMatchObject({ code: 'config_invalid', message: expect.stringContaining('not a SQLite database') })
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  test("another application's database, which stays as it was", () => {
    for (const sql of ['CREATE TABLE diary (entry TEXT)', 'DROP TABLE diary; PRAGMA application_id = 7']) {
      const db = new DatabaseSync(file)
      db.exec(sql)
      db.close()
      const bytes = readFileSync(file)
      expect(refusal({ file })).toMatchObject({ code: 'config_invalid', message: expect.stringContaining('another application') })
      expect(readFileSync(file).equals(bytes)).toBe(true)
    }
  })

  test('F-23 a schema from a newer coatcheck, which stays as it was', async () => {
    const store = open()
    const { id } = await create(store)
    const db = beside()
    const { user_version: known } = db.prepare('PRAGMA user_version').get() ?? {}
    db.exec('PRAGMA user_version = 99')
    expect(refusal({ file })).toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(/schema 99.*newer coatcheck.*[Uu]pgrade/),
    })
    db.exec(`PRAGMA user_version = ${Number(known)}`)
    expect(await open().get(id)).not.toBeNull()
  })

  test('a file of ours whose table somebody changed', async () => {
    await create(open())
    const db = beside()
    for (const sql of ['ALTER TABLE session RENAME COLUMN body TO words', 'DROP TABLE session']) {
      db.exec(sql)
      expect(refusal({ file })).toMatchObject({
        code: 'config_invalid',
        message: expect.stringMatching(/cannot use .*: no such (column|table)/),
      })
    }
  })

  test('a damaged file, as one that may be restored', async () => {
    const store = open()
    await create(store)
    await store.close?.()
    const bytes = readFileSync(file)
    writeFileSync(file, bytes.fill(0xff, 100, 4_096))
    expect(refusal({ file })).toMatchObject({ ...unavailable, message: expect.stringContaining('damaged') })
  })

  test('a file that another program keeps to itself', () => {
    const db = beside()
    db.exec('PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE t (x); BEGIN EXCLUSIVE')
    expect(refusal({ file, busyMs: 50 })).toMatchObject(unavailable)
  })
})

/** Transactions in the log: the frames that say how large the database is after them. */
function commits(): number {
  const log = readFileSync(`${file}-wal`)
  const pageBytes = log.readUInt32BE(8)
  let count = 0
  for (let at = 32; at + 24 + pageBytes <= log.length; at += 24 + pageBytes) if (log.readUInt32BE(at + 4) !== 0) count++
  return count
}

describe('a transaction', () => {
  test('holds all writes of one tick', async () => {
    const store = open()
    const kept = await create(store)
    const before = commits()
    await Promise.all([
      ...Array.from({ length: 100 }, () => create(store)),
      store.touch?.(kept.id, kept.expiresAt + 1),
      store.delete('nobody'),
    ])
    expect(commits() - before).toBe(1)
  })

  test('holds also what promises and callbacks of that tick write', async () => {
    const store = open()
    await create(store)
    const before = commits()
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        for (let turn = 0; turn < n; turn++) await (turn % 2 === 0 ? null : new Promise<void>((resolve) => process.nextTick(resolve)))
        await create(store)
      }),
    )
    expect(commits() - before).toBe(1)
  })

  test('is committed when its writes are answered', async () => {
    const store = open()
    const ids = await Promise.all(Array.from({ length: 10 }, async () => (await create(store)).id))
    const other = beside().prepare('SELECT id FROM session WHERE id = ?')
    for (const id of ids) expect(other.get(id)).toBeDefined()
    const put = create(store, { id: 'late' }).then(() => other.get('late'))
    expect(other.get('late')).toBeUndefined()
    expect(await put).toBeDefined()
  })

  test('that fails takes none of its writes along, and the next one works', async () => {
    const store = open()
    const old = await create(store)
    beside().exec("CREATE TRIGGER trap BEFORE INSERT ON session WHEN new.body = 'trap' BEGIN SELECT RAISE(ABORT, 'trapped'); END")
    const answers = await Promise.allSettled([
      store.put({ ...old, body: '"new"' }, old.version),
      store.delete(old.id),
      create(store, { id: 'first' }),
      create(store, { body: 'trap' }),
      create(store, { id: 'last' }),
    ])
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 'rejected', reason: { ...unavailable, message: expect.stringContaining('trapped') } })
    expect(await store.get(old.id)).toEqual(old)
    expect([await store.get('first'), await store.get('last')]).toEqual([null, null])
    await create(store, { id: 'first' })
    expect(await store.put({ ...old, body: '"new"' }, old.version)).not.toBeNull()
  })

  test('does not fail for a row that cannot be kept as it is; only that row does', async () => {
    const store = open()
    const bad = [{ user: 'a\0b' }, { user: '\ud800' }, { id: 'a\0b' }, { expiresAt: 1.5 }, { expiresAt: Number.NaN }]
    const answers = await Promise.allSettled([create(store, { id: 'good' }), ...bad.map((columns) => create(store, columns))])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', ...bad.map(() => 'rejected')])
    for (const answer of answers.slice(1)) expect(answer).toMatchObject({ reason: { code: 'value_invalid' } })
  })
})

describe('while another process writes', () => {
  test('a write waits without stopping the process, and reads go on', async () => {
    const store = open()
    const { id } = await create(store)
    const db = beside()
    db.exec('BEGIN IMMEDIATE')
    let ticks = 0
    const ticking = setInterval(() => ticks++, 5)
    const put = create(store)
    await new Promise((resolve) => setTimeout(resolve, 300))
    clearInterval(ticking)
    expect(await store.get(id)).not.toBeNull()
    expect(ticks).toBeGreaterThan(20)
    db.exec('COMMIT')
    expect(await store.get((await put).id)).not.toBeNull()
  })

  test('a write gives up after busyMs, and the next one works', async () => {
    const store = open({ busyMs: 100 })
    const db = beside()
    db.exec('BEGIN IMMEDIATE')
    const from = performance.now()
    await expect(create(store, { id: 'late' })).rejects.toMatchObject({ ...unavailable, message: expect.stringContaining('busyMs') })
    expect(performance.now() - from).toBeGreaterThan(95)
    db.exec('COMMIT')
    await create(store, { id: 'late' })
  })
})

describe('never a wrong answer:', () => {
  const calls: Record<string, (store: SessionStore) => Promise<unknown>> = {
    get: (store) => store.get('a'),
    getNow: async (store) => store.getNow?.('a'),
    put: (store) => store.put(row({ id: 'b' }), null),
    replace: (store) => store.put(row({ id: 'a' }), 'v'),
    delete: (store) => store.delete('a'),
    touch: async (store) => store.touch?.('a', Date.now() + 2 * hourMs),
    idsOf: async (store) => store.idsOf?.('ann'),
    scan: async (store) => store.scan?.(null, 10),
    sweep: async (store) => store.sweep?.(Date.now(), 10),
  }

  async function expectAllToReject(store: SessionStore, names = Object.keys(calls)): Promise<void> {
    for (const name of names) await expect(calls[name]?.(store), name).rejects.toMatchObject(unavailable)
  }

  test('K-06 the table is gone, and comes back', async () => {
    const store = open()
    const { id } = await create(store)
    const db = beside()
    db.exec('ALTER TABLE session RENAME TO elsewhere')
    await expectAllToReject(store)
    db.exec('ALTER TABLE elsewhere RENAME TO session')
    expect(await store.get(id)).not.toBeNull()
    await create(store)
  })

  test('the table is another', async () => {
    const store = open()
    await create(store)
    beside().exec('DROP TABLE session; CREATE TABLE session (id TEXT, words TEXT)')
    await expectAllToReject(store, ['get', 'getNow', 'put', 'replace', 'touch', 'idsOf', 'sweep'])
  })

  test('a row that somebody else wrote into the table is a row, with its own version', async () => {
    const store = open()
    const kept = await create(store)
    beside().exec(`UPDATE session SET body = '"edited"', version = 'by hand', checksum = NULL`)
    expect(await store.put(kept, kept.version)).toBeNull()
    expect(await store.get(kept.id)).toEqual({ ...kept, body: '"edited"', version: 'by hand' })
    expect(() => beside().exec(`UPDATE session SET expires_at = 'tomorrow'`)).toThrow('cannot store TEXT')
  })

  test('K-06 the file was deleted', async () => {
    const store = open()
    await create(store)
    rmSync(file)
    await expectAllToReject(store, ['put', 'replace', 'delete', 'touch', 'sweep'])
    await new Promise((resolve) => setTimeout(resolve, 1_050))
    await expectAllToReject(store)
    await expect(store.get('a')).rejects.toThrow('was deleted or replaced')
  })

  test('K-06 the file was replaced by another', async () => {
    const store = open()
    const { id } = await create(store)
    const other = sqliteStore({ file: join(folder, 'other.db') })
    await other.close?.()
    renameSync(join(folder, 'other.db'), file)
    await expectAllToReject(store, ['put', 'replace', 'delete', 'touch', 'sweep'])
    await new Promise((resolve) => setTimeout(resolve, 1_050))
    await expect(store.get(id)).rejects.toMatchObject(unavailable)
  })

  test('the file was cut short', async () => {
    const store = open({ cacheMiB: 1 })
    const body = 'x'.repeat(1_000)
    const rows = await Promise.all(Array.from({ length: 3_000 }, () => create(store, { body })))
    beside().exec('PRAGMA wal_checkpoint(TRUNCATE)')
    truncateSync(file, 100 * 4_096)
    const answers = await Promise.allSettled(rows.map(({ id }) => store.get(id)))
    for (const [n, answer] of answers.entries()) {
      if (answer.status === 'fulfilled') expect(answer.value).toEqual(rows[n])
      else expect(answer.reason).toMatchObject(unavailable)
    }
    expect(answers.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(1_000)
  })

  test('closed', async () => {
    const store = open()
    await create(store)
    await store.close?.()
    await expectAllToReject(store)
  })
})

describe('close', () => {
  test('waits for what is under way, and may be called again', async () => {
    const store = open()
    const puts = Array.from({ length: 600 }, () => create(store))
    const closed = store.close?.()
    await expect(create(store)).rejects.toThrow('is closed')
    const rows = await Promise.all(puts)
    await closed
    await store.close?.()
    const again = open()
    for (const { id } of rows) expect(await again.get(id)).not.toBeNull()
  })
})

describe('sweep', () => {
  test('rows in use move in no index: only what sweep files anew does', async () => {
    const store = open()
    const kept = await create(store, { user: 'ann', expiresAt: 1_000 })
    const due = beside().prepare('SELECT due FROM session')
    await store.put({ ...kept, expiresAt: 5_000 }, kept.version)
    await store.touch?.(kept.id, 9_000)
    expect(due.get()).toMatchObject({ due: 1_000 })
    expect(await store.sweep?.(2_000, 10)).toBe(0)
    expect(due.get()).toMatchObject({ due: 9_000 })
    expect(await store.sweep?.(9_000, 10)).toBe(0)
    expect(await store.sweep?.(9_001, 10)).toBe(1)
  })

  test('finds the expired among many that lived on, within its limit', async () => {
    const store = open()
    const rows = await Promise.all(Array.from({ length: 1_000 }, () => create(store, { expiresAt: 1_000 })))
    await Promise.all(rows.filter((_, n) => n % 100 !== 99).map(({ id }) => store.touch?.(id, 10_000)))
    expect(await store.sweep?.(2_000, 4)).toBe(4)
    expect(await store.sweep?.(2_000, 100)).toBe(6)
    expect(await store.sweep?.(2_000, 100)).toBe(0)
    expect(await store.sweep?.(10_001, 5_000)).toBe(990)
  })

  test('lets other writes in between', async () => {
    const store = open()
    await Promise.all(Array.from({ length: 2_000 }, () => create(store, { expiresAt: 1_000 })))
    const order: string[] = []
    const before = commits()
    const sweep = store.sweep?.(2_000, 2_000).then((dropped) => order.push(`swept ${dropped}`))
    await create(store).then(() => order.push('created'))
    await sweep
    expect(order).toEqual(['created', 'swept 2000'])
    expect(commits() - before).toBeGreaterThan(10)
  })
})

test('a text that UTF-8 cannot hold comes back as it was', async () => {
  const store = open()
  for (const body of ['\ud800', 'a\udc00b', '\0', 'x\0\0', '李\0'])
    expect(await store.get((await create(store, { body })).id)).toMatchObject({ body })
})

test('F-21 a user whom no row can have has no sessions, and not those of a similar one', async () => {
  const store = open()
  await create(store, { user: '\ufffd' })
  for (const user of ['\ud800', '\ufffd\0']) expect(await store.idsOf?.(user)).toEqual([])
})

test('guarantees say durable only where it is', () => {
  expect(open().guarantees).toEqual({ compareAndSwap: true, durable: true, mayEvict: false, userIndex: true })
  expect(open({ durability: 'normal' }).guarantees.durable).toBe(false)
  expect(sqliteStore({ file: ':memory:' }).guarantees.durable).toBe(false)
})

test('durability is what the file is opened with', () => {
  const levels = { full: 2, normal: 1 } as const
  for (const durability of ['full', 'normal'] as const) {
    const db = openDatabase(file, { durability, busyMs: 100, cacheMiB: 1, mmapMiB: 0 })
    expect(db.prepare('PRAGMA synchronous').get()).toMatchObject({ synchronous: levels[durability] })
    expect(db.prepare('PRAGMA busy_timeout').get()).toMatchObject({ timeout: 0 })
    db.close()
  }
})
