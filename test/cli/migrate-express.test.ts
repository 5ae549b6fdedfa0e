import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SessionStore } from '../../src/index.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { storeFromUrl } from '../../src/stores/url.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { expressShop, oldVisitor, type Shop } from './express-shop.ts'
import { program, standingIn, started, underWay } from './program.ts'
import { folder } from './screen.ts'

const count = 2_000

describeWith(['redis'], 'the sessions of an Express application in Redis', () => {
  let shop: Shop
  beforeAll(async () => void (shop = await expressShop(count)), 120_000)
  afterAll(() => shop.close())

  const from = (): string[] => ['migrate', '--from', 'express-redis', '--from-url', shop.url, '--from-prefix', shop.prefix]
  const toFile = (): string[] => [...from(), '--to', 'sqlite:sessions.db']

  /** Rows that are sessions; the others are claims on old cookies. */
  async function sessionsIn(cwd: string): Promise<number> {
    const store = sqliteStore({ file: join(cwd, 'sessions.db') })
    let [count, cursor]: [number, string | null] = [0, null]
    do {
      const page: Awaited<ReturnType<NonNullable<SessionStore['scan']>>> | undefined = await store.scan?.(cursor, 500)
      const rows = await Promise.all((page?.ids ?? []).map((id) => store.get(id)))
      count += rows.filter((row) => row !== null && !/^\d+$/.test(row.body)).length
      cursor = page?.cursor ?? null
    } while (cursor !== null)
    await store.close?.()
    return count
  }

  async function open(cwd: string, n: number) {
    const store = sqliteStore({ file: join(cwd, 'sessions.db') })
    const sessions = shop.ours(store)
    const visitor = oldVisitor(sessions, shop.ids[n] ?? '')
    const seen = await visitor.visit((session) => [session.isNew, session.user, session.get('n'), session.get('cart')])
    const again = await visitor.visit((session) => session.get('n'))
    await sessions.close()
    return { seen: seen.result, again: again.result, jar: [...visitor.jar.keys()] }
  }

  test('S3.4 move to SQLite; who comes with his old cookie finds his session and is given a ticket', { timeout: 120_000 }, async () => {
    const cwd = folder()
    const { exit, out, err } = await program(toFile(), { cwd })
    expect([exit, err]).toEqual([0, expect.stringContaining('Moving the sessions of express-redis')])
    expect(out).toMatch(/^2,000 sessions of express-redis .* moved to sqlite:sessions\.db, in \d+ s\.\n/)
    expect(await sessionsIn(cwd)).toBe(count)
    expect(standingIn(cwd)).toBeNull()
    expect(await open(cwd, 17)).toEqual({ seen: [false, null, 17, [{ sku: 'A17' }]], again: 17, jar: ['__Host-session'] })
    // The old application goes on as it was.
    expect(await shop.store.get(shop.ids[18] ?? '')).toMatchObject({ n: 18 })

    const again = await program(toFile(), { cwd })
    expect([again.exit, again.out]).toEqual([0, expect.stringMatching(/^0 sessions .*\n2,\d{3} had moved before\.\n$/)])
    expect(await sessionsIn(cwd)).toBe(count)
  })

  test('a dry run says the same and changes nothing', { timeout: 120_000 }, async () => {
    const cwd = folder()
    const { exit, out } = await program([...toFile(), '--dry-run'], { cwd })
    expect(exit).toBe(0)
    expect(out).toMatch(/^Dry run: [12],\d{3} sessions of express-redis .* would move to sqlite:sessions\.db\. Nothing was written\.\n$/)
    expect(readdirSync(cwd)).toEqual([])
  })

  test('Ctrl-C finishes the page, and --resume goes on there: all move, and none twice', { timeout: 120_000 }, async () => {
    const cwd = folder()
    const args = [...toFile(), '--limit', '50']
    const running = started(args, { cwd })
    await underWay(cwd, running, 3)
    running.child.kill('SIGINT')
    const { exit, out, err } = await running.ended
    expect([exit, out]).toEqual([130, ''])
    expect(err).toContain('Finishing this page.')
    expect(err).toMatch(/Stopped after [\d,]+ sessions\. Go on with:\n {2}npx coatcheck migrate .*--limit 50 --resume\n$/)
    const standing = standingIn(cwd)
    expect(standing?.moved).toBeGreaterThan(0)
    expect(standing?.moved).toBeLessThan(count)
    expect(await sessionsIn(cwd)).toBe(standing?.moved)

    const resumed = await program([...args, '--resume'], { cwd })
    expect([resumed.exit, await sessionsIn(cwd), existsSync(join(cwd, '.coatcheck-migrate.json'))]).toEqual([0, expect.any(Number), false])
    const [, moved = '0'] = /^([\d,]+) sessions/.exec(resumed.out) ?? []
    expect(await sessionsIn(cwd)).toBe(Number(moved.replace(',', '')))
    expect(await open(cwd, count - 1)).toMatchObject({ seen: [false, null, count - 1, expect.anything()] })
  })

  test('killed without a word it goes on behind the last page it had saved', { timeout: 120_000 }, async () => {
    const cwd = folder()
    const args = [...toFile(), '--limit', '50']
    const running = started(args, { cwd })
    await underWay(cwd, running, 3)
    running.child.kill('SIGKILL')
    await running.ended
    const saved = standingIn(cwd)
    const { exit, out, err } = await program([...args, '--resume'], { cwd })
    expect([exit, err.includes('nothing to resume')]).toEqual([0, false])
    const [, moved = ''] = /^([\d,]+) sessions/.exec(out) ?? []
    expect(Number(moved.replace(',', ''))).toBeGreaterThan(saved?.moved ?? count)
    // Whom it had claimed when it died, and not yet made: as many as it works at once.
    expect(await sessionsIn(cwd)).toBeGreaterThanOrEqual(count - 16)
    expect(standingIn(cwd)).toBeNull()

    const before = await program(toFile(), { cwd })
    expect(before.err).not.toContain('An earlier run')
  })

  test('begun anew after an interruption it says that it could go on', { timeout: 120_000 }, async () => {
    const cwd = folder()
    const running = started([...toFile(), '--limit', '20'], { cwd })
    await underWay(cwd, running)
    running.child.kill('SIGTERM')
    expect((await running.ended).exit).toBe(130)
    const { exit, err } = await program([...toFile(), '--limit', '1000'], { cwd })
    expect([exit, err]).toEqual([0, expect.stringMatching(/An earlier run has stopped after \d+; --resume would go on there\./)])
    const { err: nothing } = await program([...toFile(), '--limit', '1000', '--resume'], { cwd })
    expect(nothing).toContain('There is nothing to resume')
  })

  test('S3.4 visitors who come meanwhile are neither lost nor doubled', { timeout: 120_000 }, async () => {
    const cwd = folder()
    const own = await expressShop(1_500)
    const args = ['migrate', '--from', 'express-redis', '--from-url', own.url, '--from-prefix', own.prefix, '--to', 'sqlite:sessions.db']
    const running = started([...args, '--limit', '20'], { cwd })
    await underWay(cwd, running)
    const sessions = own.ours(sqliteStore({ file: join(cwd, 'sessions.db') }))
    const seen: unknown[] = []
    // Each comes twice at once, in an order of its own.
    const order = own.ids.map((_, n) => (n * 7) % own.ids.length)
    for (let at = 0; at < order.length; at += 25)
      await Promise.all(
        order.slice(at, at + 25).flatMap((n) =>
          [1, 2].map(async () => {
            const { result } = await oldVisitor(sessions, own.ids[n] ?? '').visit((session) => [session.isNew, session.get('n') === n])
            seen.push(result)
          }),
        ),
      )
    expect(seen.length).toBe(3_000)
    expect(seen.every((one) => JSON.stringify(one) === '[false,true]')).toBe(true)
    const { exit } = await running.ended
    expect(exit).toBe(0)
    expect(await sessionsIn(cwd)).toBe(1_500)
    await sessions.close()
    await own.close()
  })

  test('a report says which were refused and why, and names nobody', { timeout: 120_000 }, async () => {
    const cwd = folder()
    const own = await expressShop(3)
    const [big = '', junk = ''] = ['big-'.padEnd(32, '0'), 'a strange id']
    await own.store.set(big, { cookie: { originalMaxAge: null }, big: 'hunter2'.repeat(20_000) } as never)
    await own.store.set(junk, { cookie: { originalMaxAge: null } } as never)
    await own.store.client.set(own.prefix + 'junk'.padEnd(32, '0'), 'no JSON')
    const args = ['migrate', '--from', 'express-redis', '--from-url', own.url, '--from-prefix', own.prefix, '--to', 'memory:']
    const { exit, out, err } = await program([...args, '--report', 'refused.jsonl'], { cwd })
    expect(exit).toBe(1)
    expect(out).toContain('3 sessions were refused:\n')
    expect(out).toContain('  1  are over the `limits` of a session (session_too_large)')
    const text = readFileSync(join(cwd, 'refused.jsonl'), 'utf8')
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { identity: string; why: string })
    expect(lines.map(({ why }) => why).toSorted()).toEqual(['session_too_large', 'strange_id', 'unreadable'])
    expect(lines.every(({ identity }) => /^[0-9a-f]{64}$/.test(identity))).toBe(true)
    for (const told of [text, out, err]) for (const secret of ['hunter2', big, junk]) expect(told).not.toContain(secret)
    await Promise.all([big, junk, 'junk'.padEnd(32, '0')].map((id) => own.store.client.del(own.prefix + id)))
    await own.close()
  })

  describeWith(['postgres'], 'and a PostgreSQL', () => {
    test('S3.4 move there, with the users whom Passport knows', { timeout: 120_000 }, async () => {
      const cwd = folder()
      const url = await sharedServer('postgres')
      const app = `cli-${Date.now()}`
      const args = [...from(), '--to', 'env:DATABASE_URL', '--app', app, '--signed-in', '--idle', '30m', '--absolute', '12h']
      const dry = await program([...args, '--dry-run'], { cwd, env: { DATABASE_URL: url } })
      expect(dry.out).toMatch(/^Dry run: /)
      const { exit, out, err } = await program(args, { cwd, env: { DATABASE_URL: url } })
      expect([exit, out]).toEqual([0, expect.stringContaining('sessions of express-redis')])
      const { username, password } = new URL(url)
      for (const told of [out, err])
        expect([told.includes(`${username}@`), password !== '' && told.includes(password)]).toEqual([false, false])
      const store = await storeFromUrl(url)
      expect((await store.idsOf?.('1321'))?.length).toBe(1)
      await store.close?.()
    })
  })

  test('a store that is not there: exit code 3, in time, and without its password', { timeout: 60_000 }, async () => {
    const cwd = folder()
    const env = { OLD: 'redis://:hunter2@127.0.0.1:1', NEW: 'postgres://ada:hunter2@127.0.0.1:1/shop' }
    const noOld = await program(['migrate', '--from', 'express-redis', '--from-url', 'env:OLD', '--to', 'memory:'], { cwd, env })
    expect([noOld.exit, noOld.out]).toEqual([3, ''])
    expect(noOld.err).toMatch(/the old store \(redis:\/\/127\.0\.0\.1:1\): .*ECONNREFUSED/)
    const noNew = await program([...from(), '--to', 'env:NEW'], { cwd, env })
    expect([noNew.exit, noNew.out]).toEqual([3, ''])
    expect(noNew.err).toMatch(/the new store \(postgres:\/\/127\.0\.0\.1:1\/shop\): .*ECONNREFUSED/)
    expect(noOld.err + noNew.err).not.toContain('hunter2')
  })
})
