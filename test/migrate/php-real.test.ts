/** PHP itself on the other side. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findProgram, type Server } from '../../scripts/servers/launch.ts'
import { fromPhp, readPhpSession, type PhpFormat, type PhpOptions } from '../../src/migrate/php.ts'
import { Dice } from '../support/random.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { opened } from './golden.ts'
import { inTest, oldProgram } from './old-programs.ts'
import { describeMove } from './two-applications.ts'

const handlers = ['php', 'php_serialize', 'php_binary'] as const
const folder = mkdtempSync(join(tmpdir(), 'coatcheck-php-real-'))
afterAll(() => rmSync(folder, { recursive: true }))

function started(handler: (typeof handlers)[number]): Promise<Server> {
  return oldProgram({
    name: 'php',
    command(port) {
      const settings = [`session.save_path=${folder}`, `session.serialize_handler=${handler}`, 'serialize_precision=-1']
      const given = settings.flatMap((one) => ['-d', one])
      return [findProgram(['php']) ?? '', ...given, '-S', `127.0.0.1:${port}`, inTest('php', 'app.php')]
    },
  })
}

const reader = (serializeHandler: PhpFormat['serializeHandler'] & string, options: Partial<PhpOptions> = {}) =>
  fromPhp({ folder, serializeHandler, allowUnsignedIds: true, ...options })

describeWith(['php'], 'the real PHP', () => {
  for (const handler of handlers) {
    describeMove({
      title: `from a PHP application with ${handler}`,
      stored: true,
      async start() {
        const server = await started(handler)
        return { url: server.url, reader: (options) => reader(handler, options), close: () => server.stop() }
      },
    })

    describe(handler, () => {
      let server: Server
      beforeAll(async () => void (server = await started(handler)))
      afterAll(() => server.stop())

      const visited = async (path: string): Promise<string> => {
        const response = await fetch(`${server.url}${path}`)
        // PHP writes the session when the page has left; the connection ends after that.
        await response.text()
        const [cookie = ''] = response.headers.getSetCookie()
        return cookie.split(';')[0] ?? ''
      }

      test('M-05 P-04 a session of every type, with references and objects that are there twice, comes along', async () => {
        const found = await opened(reader(handler), await visited('/types'), Date.now())
        const object = { a: 1, list: [1, 2] }
        expect(found?.values).toEqual({
          numbers: [
            0,
            -1,
            2n ** 63n - 1n,
            -(2n ** 63n),
            2n ** 53n,
            1.5,
            1e300,
            5e-324,
            -0,
            Number.NaN,
            Number.POSITIVE_INFINITY,
            Number.NEGATIVE_INFINITY,
          ],
          words: [null, true, false, '', 'a"b;c|d', 'é名😀', Uint8Array.of(0, 255)],
          arrays: [[], [[]], { 5: 'five', x: 1 }, { 0: 'zero', 1: 'one' }, ['a', 'b']],
          object,
          moment: { date: '2012-01-20 12:34:56.500000', timezone_type: 3, timezone: 'Europe/Paris' },
          suits: ['Suit::Hearts', 'Suit::Hearts'],
          first: { n: 1 },
          second: { inner: { n: 1 }, same: object, again: [object] },
          third: 1,
          last: 'end',
        })
      })

      test('M-02 an object of a class that nobody allowed, and a circle, are no session', async () => {
        const cookie = await visited('/cart')
        expect(await opened(reader(handler), cookie, Date.now())).toBeNull()
        const allowed = await opened(reader(handler, { classes: ['Cart'] }), cookie, Date.now())
        expect(allowed?.values).toEqual({ cart: { items: ['hat'], owner: 'ada', total: 9.5 } })
        expect(await opened(reader(handler), await visited('/circle'), Date.now())).toBeNull()
      })

      test('M-05 M-02 forty random graphs of references mean here what they mean to PHP', async () => {
        const seed = Date.now() % 1_000_000
        const dice = new Dice(seed)
        for (let n = 0; n < 40; n++) {
          const code = graph(dice)
          const answer = await fetch(`${server.url}/encode`, { method: 'POST', body: code })
          const { bytes, values } = (await answer.json()) as { bytes: string; values: unknown }
          const read = readPhpSession(Buffer.from(bytes, 'base64'), { serializeHandler: handler })
          expect(read, `seed ${seed}: ${code}`).toEqual(values)
        }
      })
    })
  }
})

/** PHP that puts arrays and objects into a session and makes references between them, never a circle: each refers to one before. */
function graph(dice: Dice): string {
  const places: string[] = []
  const lines: string[] = []
  for (let n = 0; n < 8; n++) {
    const place = `$_SESSION['v${n}']`
    const earlier = places.length === 0 ? null : dice.pick(places)
    const kind = dice.below(4)
    if (earlier !== null && kind === 0) lines.push(`${place} = &${earlier};`)
    else if (earlier !== null && kind === 1) lines.push(`${place} = ['in' => ${n}, 'ref' => null]; ${place}['ref'] = &${earlier};`)
    else if (kind === 2) lines.push(`${place} = (object) ['p' => ${n}, 'q' => ${earlier ?? 'null'}];`)
    else lines.push(`${place} = [${n}, ['x' => 'é|;'], ${earlier ?? 'null'}];`)
    places.push(place)
    if (kind === 3) places.push(`${place}[1]`)
  }
  return lines.join('\n')
}

describeWith(['redis'], 'sessions of PHP in Redis, as phpredis lays them out', () => {
  test('M-05 are read as bytes, walked, and deleted', async () => {
    const client = createClient({ url: await sharedServer('redis') })
    await client.connect()
    const prefix = 'moving-php:'
    const id = '2kjqreiiiu6i6tclq5t1ki1tv5'
    await client.set(prefix + id, Buffer.from('raw|s:2:"\0\xff";name|s:2:"\xc3\xa9";', 'latin1'), { EX: 600 })
    await client.set(`${prefix}junk`, 'a|i:1;')
    const old = fromPhp({ store: client, prefix, allowUnsignedIds: true })
    const values = { raw: Uint8Array.of(0, 255), name: 'é' }
    expect((await opened(old, `PHPSESSID=${id}`, Date.now()))?.values).toEqual(values)
    const page = await old.walk?.(null, 10_000)
    const reasons: string[] = []
    const loaded = await Promise.all(page?.tickets.map((ticket) => ticket.load((why) => reasons.push(why))) ?? [])
    const found = loaded.find((one) => one !== null)
    expect([page?.tickets.length, found?.values, reasons]).toEqual([2, values, ['strange_id']])
    expect(Math.abs((found?.expiresAt ?? 0) - Date.now() - 600_000)).toBeLessThan(5_000)
    await found?.end?.()
    expect(await client.get(prefix + id)).toBeNull()
    await client.del(`${prefix}junk`)
    await client.close()
  })
})
