/** What a crash can leave of the file, and what may be said before it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SessionStore } from '../../src/core/types.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { describeWith } from '../support/server.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coatcheck-crash-'))
  file = join(folder, 'sessions.db')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

type Write = (store: SessionStore) => Promise<unknown>
const rowOf = (id: string, n: number, user: string | null) => ({
  id,
  body: JSON.stringify({ n, pad: id.repeat(90) }),
  user,
  expiresAt: 4e12 + n,
})

/** One session's creation, change, touch and end, and others in between. */
function writes(): Write[] {
  let version: string | null = null
  const put =
    (n: number, user: string | null): Write =>
    async (store) =>
      (version = await store.put(rowOf('a', n, user), version))
  const other =
    (id: string): Write =>
    (store) =>
      store.put(rowOf(id, 0, 'ann'), null)
  return [
    put(1, null),
    other('b'),
    put(2, 'ann'),
    async (store) => store.touch?.('a', 5e12),
    other('c'),
    (store) => store.delete('b'),
    put(3, 'bob'),
    other('d'),
    (store) => store.delete('a'),
  ]
}

/** All that can be read. */
async function contents(store: SessionStore): Promise<string> {
  const rows = await Promise.all(['a', 'b', 'c', 'd'].map((id) => store.get(id)))
  const lists = await Promise.all(['ann', 'bob'].map((user) => store.idsOf?.(user)))
  // Versions are new in every life.
  return JSON.stringify([rows.map((row) => row && { ...row, version: '' }), lists.map((ids) => ids?.toSorted())])
}

interface Trace {
  readonly database: Buffer
  readonly log: Buffer
  /** The contents, and the size of the log, after each acknowledgement; at 0 before the first. */
  readonly states: readonly string[]
  readonly sizes: readonly number[]
}

/** Writes, and copies the files as they lie there, without closing. */
async function traced(): Promise<Trace> {
  const store = sqliteStore({ file })
  const [states, sizes] = [[await contents(store)], [statSync(`${file}-wal`).size]]
  for (const write of writes()) {
    await write(store)
    states.push(await contents(store))
    sizes.push(statSync(`${file}-wal`).size)
  }
  const trace = { database: readFileSync(file), log: readFileSync(`${file}-wal`), states, sizes }
  await store.close?.()
  return trace
}

/** What is read from these files after a crash. */
async function recovered(database: Buffer, log: Buffer): Promise<string> {
  const copy = join(folder, 'copy.db')
  for (const suffix of ['', '-wal', '-shm']) rmSync(copy + suffix, { force: true })
  writeFileSync(copy, database)
  writeFileSync(`${copy}-wal`, log)
  const store = sqliteStore({ file: copy })
  const found = await contents(store)
  await store.close?.()
  return found
}

describe('K-02 after a crash', () => {
  test('K-02 every prefix of what was written is the state after some write, and after all that were acknowledged', async () => {
    const { database, log, states, sizes } = await traced()
    expect(new Set(states).size).toBe(states.length)
    const [first = 0] = sizes
    const cuts = new Set(sizes.flatMap((size) => [size - 1, size, size + 1]))
    for (let cut = first; cut <= log.length; cut += 2_003) cuts.add(cut)
    // The last write torn, more closely.
    for (let cut = sizes.at(-2) ?? 0; cut <= log.length; cut += 401) cuts.add(cut)
    for (const cut of cuts) {
      if (cut < first || cut > log.length) continue
      const acknowledged = sizes.findLastIndex((size) => size <= cut)
      expect(await recovered(database, log.subarray(0, cut)), `cut at ${cut} of ${log.length}`).toBe(states[acknowledged])
    }
  })

  test('K-02 a last write that reached the disk in part, in any order, did not happen', async () => {
    const { database, log, states, sizes } = await traced()
    const legal = states.slice(-2)
    for (let sector = sizes.at(-2) ?? 0; sector < log.length; sector += 512) {
      for (const filling of [0x00, 0xff]) {
        const partly = Buffer.from(log).fill(filling, sector, Math.min(sector + 512, log.length))
        expect(legal, `sector at ${sector} of ${log.length}`).toContain(await recovered(database, partly))
      }
    }
  })
})

/** Runs a program under strace, with a store, a row maker and `say`; answers what it said, and the trace. */
async function straced(flags: readonly string[], body: string): Promise<{ said: string[]; trace: string[] }> {
  const store = JSON.stringify(new URL('../../src/stores/sqlite.ts', import.meta.url).href)
  const code = `
    const { sqliteStore } = await import(${store})
    const { writeSync } = await import('node:fs')
    const say = (words) => writeSync(1, words + String.fromCharCode(10))
    const file = ${JSON.stringify(file)}
    const row = (n) => ({ id: 'id-' + n, body: 'x'.repeat(1000), user: null, expiresAt: 4e12 })
    ${body}`
  const log = join(folder, 'trace')
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code]
  // SQLite writes on the main thread, so no other need be followed.
  const child = spawn('strace', ['-y', '-o', log, ...flags, ...node], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [stdout] = await Promise.all([text(child.stdout), once(child, 'close')])
  return { said: stdout.trim().split('\n'), trace: readFileSync(log, 'utf8').split('\n') }
}

/** Acknowledgements that were given before the disk had been told to keep what they acknowledge. */
function hasty(trace: readonly string[]): string[] {
  let kept = true
  return trace.filter((line) => {
    if (/^pwrite64\(\d+<.*sessions\.db(-wal)?>/.test(line)) kept = false
    if (/^f(data)?sync\(\d+<.*sessions\.db(-wal)?>\) += 0/.test(line)) kept = true
    return !kept && /^write\(1<.*"ack/.test(line)
  })
}

describeWith(['strace'], 'the disk', () => {
  test.each(['full', 'normal'] as const)(
    'K-02 %s: what is acknowledged is on the disk, or the store does not call itself durable',
    async (durability) => {
      const { said, trace } = await straced(
        ['-e', 'trace=pwrite64,fsync,fdatasync,write'],
        `const store = sqliteStore({ file, durability: '${durability}' })
       for (let n = 0; n < 10; n++) { await store.put(row(n), null); say('ack put ' + n) }
       for (let n = 0; n < 10; n++) { await store.delete('id-' + n); say('ack delete ' + n) }
       say(store.guarantees.durable)`,
      )
      expect([said.length, said.at(-1)]).toEqual([21, String(durability === 'full')])
      expect(hasty(trace)).toHaveLength(durability === 'full' ? 0 : 20)
    },
  )

  test.each([
    ['fsync,fdatasync', '21..27'],
    ['pwrite64', '101..140'],
  ])('K-03 %s fails for a while: nothing is acknowledged that is not there, reads go on, and it recovers', async (call, when) => {
    await sqliteStore({ file }).close?.()
    const { said } = await straced(
      ['-e', `trace=${call}`, '-e', `inject=${call}:error=EIO:when=${when}`],
      `const store = sqliteStore({ file })
       for (let n = 0; n < 60; n++) {
         await store.put(row(n), null).then(() => say('ack ' + n), ({ code }) => say(code))
         if (n > 0) store.getNow('id-0') ?? say('cannot read')
       }`,
    )
    expect(new Set(said.map((words) => words.replace(/\d+$/, '')))).toEqual(new Set(['ack ', 'store_unavailable']))
    expect(said.at(-1)).toBe('ack 59')
    const store = sqliteStore({ file })
    for (const words of said) {
      const [, n] = /^ack (\d+)$/.exec(words) ?? []
      if (n !== undefined) expect((await store.get(`id-${n}`))?.body, words).toBe('x'.repeat(1_000))
    }
    await store.close?.()
  })
})
