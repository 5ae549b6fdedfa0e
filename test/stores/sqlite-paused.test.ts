/** There are no locks to hold: whoever is paused or killed, others go on. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createSessions, type Sessions } from '../../src/index.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { secret } from '../support/backends.ts'
import { holder, tokenOf } from '../support/raw.ts'

let folder: string
let file: string
let children: Other[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coatcheck-paused-'))
  file = join(folder, 'sessions.db')
})

afterEach(() => {
  for (const child of children) child.process.kill('SIGKILL')
  children = []
  rmSync(folder, { recursive: true, force: true })
})

/** Another process, which goes one step at each word it is given and says one in return. */
class Other {
  readonly process: ChildProcess
  #said = ''

  constructor(body: string) {
    const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
    const code = `
      import { createInterface } from 'node:readline'
      import { DatabaseSync } from 'node:sqlite'
      import { createSessions } from ${url('../../src/index.ts')}
      import { sqliteStore } from ${url('../../src/stores/sqlite.ts')}
      const file = ${JSON.stringify(file)}
      const words = createInterface(process.stdin)[Symbol.asyncIterator]()
      const say = async (word) => { console.log(word); await words.next() }
      ${body}`
    this.process = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#said += text))
    children.push(this)
  }

  async says(): Promise<string> {
    while (!this.#said.includes('\n')) await once(this.process.stdout as NodeJS.ReadableStream, 'data')
    const [first = '', ...rest] = this.#said.split('\n')
    this.#said = rest.join('\n')
    return first
  }

  go(): void {
    this.process.stdin?.write('\n')
  }

  async pause(): Promise<void> {
    this.process.kill('SIGSTOP')
    while (
      !execFileSync('ps', ['-o', 'state=', '-p', `${this.process.pid}`])
        .toString()
        .trim()
        .startsWith('T')
    )
      await new Promise(setImmediate)
  }

  resume(): void {
    this.process.kill('SIGCONT')
  }

  async die(): Promise<void> {
    this.process.kill('SIGKILL')
    await once(this.process, 'exit')
  }
}

const row = (id: string) => ({ id, body: '{}', user: null, expiresAt: 4e12 })

/** Has written half of something, and holds SQLite's write lock. */
const writing = `
  const db = new DatabaseSync(file)
  db.exec("BEGIN IMMEDIATE; INSERT INTO session (id, version, expires_at, due, body) VALUES ('half', 'v', 4e12, 4e12, '{}')")
  await say('holds')
  db.exec('COMMIT')
  await say('done')`

describe.skipIf(process.platform === 'win32')('R-09 a process in the middle of a write', () => {
  test('R-09 is paused: others read, are told so within busyMs when they write, and go on as soon as it does', async () => {
    const store = sqliteStore({ file, busyMs: 200 })
    await store.put(row('before'), null)
    const other = new Other(writing)
    expect(await other.says()).toBe('holds')
    await other.pause()
    expect(await store.get('before')).not.toBeNull()
    const began = performance.now()
    const tried = await Promise.allSettled([
      store.put(row('meanwhile'), null),
      store.delete('before'),
      store.touch?.('before', 5e12),
      store.sweep?.(0, 10),
    ])
    expect(tried.map(({ status }) => status)).toEqual(tried.map(() => 'rejected'))
    for (const one of tried)
      expect(one).toMatchObject({ reason: { code: 'store_unavailable', message: expect.stringContaining('write lock') } })
    expect(performance.now() - began).toBeGreaterThan(190)
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(await store.get('half')).toBeNull()

    other.resume()
    other.go()
    expect(await other.says()).toBe('done')
    expect(await store.put(row('afterwards'), null)).not.toBeNull()
    expect(await Promise.all(['before', 'meanwhile', 'half', 'afterwards'].map(async (id) => (await store.get(id)) !== null))).toEqual([
      true,
      false,
      true,
      true,
    ])
    await store.close?.()
  })

  test('R-09 dies: others go on at once, and the half is gone', async () => {
    const store = sqliteStore({ file, busyMs: 10_000 })
    await store.put(row('before'), null)
    const other = new Other(writing)
    expect(await other.says()).toBe('holds')
    await other.pause()
    const waiting = store.put(row('waiting'), null)
    await other.die()
    expect(await waiting).not.toBeNull()
    expect(await store.get('half')).toBeNull()
    await store.close?.()
  })
})

describe.skipIf(process.platform === 'win32')('R-09 a process in the middle of a request', () => {
  async function requestUnderWay(): Promise<{
    other: Other
    sessions: Sessions
    visitor: Awaited<ReturnType<typeof holder>>['visitor']
  }> {
    const sessions = createSessions({ secret, store: sqliteStore({ file }) })
    const { visitor } = await holder(sessions, 1)
    const other = new Other(`
      const sessions = createSessions({ secret: ${JSON.stringify(secret)}, store: sqliteStore({ file }) })
      const visit = sessions.visit({ method: 'GET', header: (name) => name === 'cookie' ? '__Host-session=${tokenOf(visitor)}' : undefined })
      const session = await visit.session()
      session.update('mine', (n) => n + 1)
      await say('opened')
      const { outcome, setCookies } = await visit.commit()
      await say(outcome + ' ' + setCookies.length)`)
    expect(await other.says()).toBe('opened')
    await other.pause()
    return { other, sessions, visitor }
  }

  test('R-09 is paused: the others write, and what it writes afterwards joins theirs', async () => {
    const { other, sessions, visitor } = await requestUnderWay()
    for (let n = 0; n < 3; n++) await visitor.visit((session) => session.update('mine', (value) => Number(value) + 10))
    other.resume()
    other.go()
    expect(await other.says()).toBe('stored 0')
    expect((await visitor.visit((session) => session.get('mine'))).result).toBe(32)
    await sessions.close()
  })

  test('R-09 is paused: a sign-out meanwhile is final, and what it writes afterwards is refused', async () => {
    const { other, sessions, visitor } = await requestUnderWay()
    const copy = visitor.clone()
    expect((await visitor.visit((session) => session.destroy())).outgoing.outcome).toBe('erased')
    other.resume()
    other.go()
    expect(await other.says()).toBe('gone 0')
    expect((await copy.visit((session) => session.isNew)).result).toBe(true)
    await sessions.close()
  })
})
