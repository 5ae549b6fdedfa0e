/** The recommended way: everything from the application's own module. */
import { hash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { root } from '../../scripts/source.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { secret } from '../support/backends.ts'
import { program, started, underWay } from './program.ts'
import { folder } from './screen.ts'

const source = (path: string): string => JSON.stringify(pathToFileURL(join(root, 'src', path)).href)

/** An application with an old system of `count` sessions, of which every tenth cannot move, for four reasons. */
function application(count: number, options = ''): string {
  const cwd = folder()
  writeFileSync(
    join(cwd, 'sessions.ts'),
    `
    import { createSessions, type MoveIn } from ${source('index.ts')}
    import { sqliteStore } from ${source('stores/sqlite.ts')}
    import { memoryStore } from ${source('stores/memory.ts')}
    import { readerOf } from ${source('migrate/common/reader.ts')}

    interface Data { n: number; text?: string }
    const map = ({ n }: { n?: unknown }) => {
      if (n === 10) return null
      if (n === 20) throw new TypeError('hunter2 is no user')
      return { values: n === 30 ? { n: 'thirty' } : n === 40 ? { n, text: 'x'.repeat(9_000) } : { n }, user: 'user' + String(n) }
    }
    const walk: MoveIn['walk'] = async (cursor, limit) => {
      const start = Number(cursor ?? 0)
      const size = Math.max(0, Math.min(limit, ${count} - start))
      const tickets = Array.from({ length: size }, (_, at) => ({
        identity: 'id-of-' + (start + at),
        load: () => ({ values: { n: start + at }, expiresAt: null }),
      }))
      return { tickets, cursor: start + limit < ${count} ? String(start + limit) : null }
    }
    const reader = readerOf('fromOld', { map }, { system: 'old', cookieName: 'old', verify: () => null, walk, count: async () => ${count} })
    const store = sqliteStore({ file: ${JSON.stringify(join(cwd, 'sessions.db'))} })
    const schema = { '~standard': { version: 1 as const, vendor: 'test', validate: (value: unknown) =>
      typeof (value as Data).n === 'number' ? { value: value as Data } : { issues: [{ message: 'n is no number' }] } } }
    export const sessions = createSessions<Data>({ secret: ${JSON.stringify(secret)}, schema, limits: { bytesMax: 8_192 }, moveIn: [reader], ${options} })
    // As the client of a real application would, this keeps the process.
    setInterval(() => {}, 1_000)
    `,
  )
  return cwd
}

const file = 'store'

test('S3.4 map, schema and limits are those of the application, and the report says what they would not have', async () => {
  const cwd = application(100, file)
  const dry = await program(['migrate', '--config', './sessions.ts', '--dry-run', '--report', 'dry.jsonl'], { cwd })
  expect([dry.exit, dry.out]).toEqual([1, expect.stringContaining('Dry run: 96 sessions of old would move to ./sessions.ts.')])
  const { exit, out, err } = await program(['migrate', '--config', './sessions.ts', '--report', 'refused.jsonl'], { cwd })
  expect([exit, err]).toEqual([1, 'Moving the sessions of old to ./sessions.ts.\n'])
  expect(out).toContain('96 sessions of old moved to ./sessions.ts')
  const lines = readFileSync(join(cwd, 'refused.jsonl'), 'utf8')
  const named = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { identity: string; why: string })
  const expected = { 10: 'unwanted', 20: 'map_failed', 30: 'schema_invalid', 40: 'session_too_large' }
  expect(Object.fromEntries(named.map(({ identity, why }) => [identity, why]))).toEqual(
    Object.fromEntries(Object.entries(expected).map(([n, why]) => [hash('sha256', `id-of-${n}`, 'hex'), why])),
  )
  expect(readFileSync(join(cwd, 'dry.jsonl'), 'utf8').split('\n').toSorted()).toEqual(lines.split('\n').toSorted())
  for (const told of [lines, out, err, dry.out]) expect(told).not.toMatch(/hunter2|id-of/)
  const store = sqliteStore({ file: join(cwd, 'sessions.db') })
  expect((await store.idsOf?.('user7'))?.length).toBe(1)
  await store.close?.()
})

test('Ctrl-C and --resume: the report has each refused session once, and the counts are of the whole', async () => {
  const cwd = application(3_000, file)
  const args = ['migrate', '--config', 'sessions.ts', '--from', 'old', '--limit', '15', '--report', 'refused.jsonl']
  const running = started(args, { cwd })
  await underWay(cwd, running, 5)
  running.child.kill('SIGINT')
  expect((await running.ended).exit).toBe(130)
  const { exit, out } = await program([...args, '--resume'], { cwd })
  expect([exit, out.split('\n')[0]]).toEqual([1, expect.stringContaining('2,996 sessions of old moved')])
  expect(out).not.toContain('had moved before')
  expect(readFileSync(join(cwd, 'refused.jsonl'), 'utf8').trim().split('\n').length).toBe(4)
  expect(existsSync(join(cwd, '.coatcheck-migrate.json'))).toBe(false)
})

test('of several sessions --session says which', async () => {
  const cwd = application(5, 'stores: { auth: store, prefs: { store: memoryStore(), moveIn: [] } }')
  const run = async (...rest: string[]) => {
    const { exit, out, err } = await program(['migrate', '--config', 'sessions.ts', ...rest], { cwd })
    return `${exit} ${out}${err}`
  }
  expect(await run('--session', 'auth')).toMatch(/^0 5 sessions of old moved to auth of sessions\.ts/)
  expect(await run('--session', 'prefs')).toMatch(/^2 .*have no readers/)
  expect(await run('--session', 'prefz')).toMatch(/^2 .*--session prefz: /)
})

test(
  'a million sessions need no more memory than a thousand: what is kept does not grow with the pages',
  { timeout: 120_000 },
  async () => {
    const cwd = folder()
    writeFileSync(
      join(cwd, 'sessions.ts'),
      `
    import { writeFileSync } from 'node:fs'
    const pages = 1_000
    const used: number[] = []
    export const sessions = {
      moveInCounts: () => [{ system: 'old' }],
      ready: async () => {},
      close: async () => writeFileSync('used.json', JSON.stringify(used)),
      async moveInPage(_system: string, { cursor }: { cursor: string | null }) {
        const page = Number(cursor ?? 0) + 1
        if (page === 10 || page === pages) { gc?.(); used.push(process.memoryUsage().heapUsed) }
        const refusals = Array.from({ length: 50 }, (_, n) => ({ identity: String(page * 50 + n).padStart(64, '0'), why: 'unwanted' }))
        return { cursor: page < pages ? String(page) : null, moved: 950, known: 0, refused: 50, refusals, total: 1_000_000 }
      },
    }
    `,
    )
    const args = ['migrate', '--config', 'sessions.ts', '--report', 'refused.jsonl']
    const { exit, out } = await program(args, { cwd, node: ['--expose-gc'] })
    expect([exit, out.split('\n').slice(0, 2)]).toEqual([
      1,
      [expect.stringContaining('950,000 sessions of old moved'), '50,000 sessions were refused:'],
    ])
    const [early = 0, late = 0] = JSON.parse(readFileSync(join(cwd, 'used.json'), 'utf8')) as number[]
    expect(early).toBeGreaterThan(1_000_000)
    expect(late - early).toBeLessThan(2_000_000)
  },
)
