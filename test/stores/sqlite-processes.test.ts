import { spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { unavailable } from '../../src/stores/sqlite/failures.ts'
import { killRounds } from '../gate/sqlite-kill-rounds.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coatcheck-processes-'))
  file = join(folder, 'sessions.db')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const node = [process.execPath, '--disable-warning=ExperimentalWarning'] as const

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function run([command, ...args]: readonly [string, ...string[]], options: SpawnOptions = {}): Promise<Ended> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, stdout, stderr }
}

/** A program that has `sqliteStore` and the path of the file. */
function program(body: string): [string, ...string[]] {
  const store = JSON.stringify(new URL('../../src/stores/sqlite.ts', import.meta.url).href)
  const code = `const { sqliteStore } = await import(${store}); const file = ${JSON.stringify(file)}; ${body}`
  return [...node, '--input-type=module', '-e', code]
}

test('R-11 processes that open a new file at once count to the sum together', async () => {
  const counting = fileURLToPath(new URL('sqlite-counting.ts', import.meta.url))
  const children = await Promise.all(Array.from({ length: 4 }, () => run([...node, counting, file, 'counter', '50'])))
  expect(children.map(({ code, stderr }) => ({ code, stderr }))).toEqual(children.map(() => ({ code: 0, stderr: '' })))
  const store = sqliteStore({ file })
  expect((await store.get('counter'))?.body).toBe('200')
  await store.close?.()
})

test('K-01 K-07 K-08 what was acknowledged before a SIGKILL, in a sweep or a checkpoint too, is there after it, and the deleted stay deleted', async () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const reports = await killRounds({ rounds: 5, writers: 2, seed })
  expect(
    reports.flatMap(({ lost }) => lost),
    `SEED=${seed}`,
  ).toEqual([])
  expect(Math.min(...reports.map(({ acknowledged }) => acknowledged))).toBeGreaterThan(0)
})

describe.skipIf(process.platform === 'win32')('a file that cannot be written', () => {
  /** Root may write everywhere. */
  const nobody: SpawnOptions = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534, cwd: tmpdir() } : {}
  const tryToOpen = 'try { sqliteStore({ file }) } catch (error) { console.log(error.code, error.message) }'

  test('the file is read-only: refused at start', async () => {
    const store = sqliteStore({ file })
    await store.close?.()
    chmodSync(folder, 0o777)
    chmodSync(file, 0o444)
    const { stdout } = await run(program(tryToOpen), nobody)
    expect(stdout).toMatch(/^config_invalid .*cannot write .*sessions\.db/)
  })

  test('the folder is read-only: refused at start', async () => {
    chmodSync(folder, 0o555)
    const { stdout } = await run(program(tryToOpen), nobody)
    expect(stdout).toMatch(/^config_invalid .*give file a path in a folder this process may write to/)
  })

  test('K-03 the disk takes no more: what fits is kept, what does not rejects, and reads go on', async () => {
    // Files may grow to half a megabyte; beyond that a write fails as on a full disk.
    const fill = `
      const store = sqliteStore({ file })
      const kept = []
      for (let n = 0; n < 1000; n++) {
        try {
          await store.put({ id: 'id-' + n, body: 'x'.repeat(1000), user: null, expiresAt: 4e12 }, null)
          kept.push('id-' + n)
        } catch (error) {
          const there = kept.filter((id) => store.getNow(id) !== null)
          console.log(error.code, kept.length === there.length, store.getNow('id-' + n) === null)
          break
        }
      }
      await store.close()
      console.log(kept.length)
      console.log(sqliteStore({ file }).getNow('id-0') !== null)`
    const [command, ...args] = program(fill)
    const { stdout, stderr } = await run(['sh', '-c', `trap '' XFSZ; ulimit -f 1024; exec "$@"`, 'sh', command, ...args])
    const [outcome, count, reopened] = stdout.trim().split('\n')
    expect([outcome, reopened], stderr).toEqual(['store_unavailable true true', 'true'])
    const store = sqliteStore({ file })
    const rows = await Promise.all(Array.from({ length: Number(count) + 1 }, (_, n) => store.get(`id-${n}`)))
    expect(rows.map((row) => row !== null)).toEqual([...Array.from({ length: Number(count) }, () => true), false])
    expect(statSync(file).size).toBeGreaterThan(0)
    await store.close?.()
  })
})

test.each([
  [5, 'raise busyMs'],
  [8, 'read-only'],
  [10, 'the disk reports an error'],
  [10 | (3 << 8), 'the disk reports an error'],
  [11, 'restore it from a backup'],
  [13, 'the disk is full'],
  [1, 'the words of SQLite'],
])('result code %i of SQLite is explained: %s', (errcode, words) => {
  const cause = Object.assign(new Error('the words of SQLite'), { errcode })
  expect(unavailable(cause)).toMatchObject({ code: 'store_unavailable', message: expect.stringContaining(words), cause })
})
