import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { newId, type Place } from './place.ts'
import type { Rule } from './rule.ts'

/** Texts as the codec writes them: JSON, so without zero characters and lone surrogates, which it escapes. */
const bodies = {
  'beyond Latin': '{"name":"Zoë 李雷 🎟️ \u200f\u2028"}',
  quotes: '{"a":"\\"\'`${x}"}',
  'line ends': '{\r\n\t"a": 1\r\n}\n',
  'escaped zero and surrogates': String.raw`{"a":"\u0000\ud83d\udc00"}`,
  'spaces around': '  1  ',
  'looks like a number': '007',
  'another normal form': '"e\u0301 \u00e9 \ufb01"',
}

/** F-22: what some backend might take for its own language. */
const traps = [
  `'); DROP TABLE session; --`,
  '\r\nset x 0 0 1\r\n1\r\nflush_all\r\n',
  '*1\r\n$8\r\nFLUSHALL\r\n',
  '{"$gt":""}',
  '%s %n ?1 $1 :id @x',
  '__proto__',
  '\\x41 \\u0041 \\',
]

/** More than id, user, version and expiry take. */
const otherColumnsBytes = 512

/** For a store that says how large a row may be. */
export const limitRule: Rule = {
  name: 'a row over the limit of the store is refused, never cut',
  async check(place) {
    const { version, ...row } = await place.create()
    await assert.rejects(
      place.store.put({ ...row, body: 'x'.repeat(2 * place.rowBytesMax) }, version),
      'put must reject a row that does not fit',
    )
    await place.holds({ ...row, version }, 'after a put that did not fit')
  },
}

export const dataRules: readonly Rule[] = [
  ...Object.entries(bodies).map(([what, body]) => ({
    name: `a body comes back as it was: ${what}`,
    check: (place: Place) => keeps(place, body),
  })),
  { name: 'a body comes back as it was: zero characters', check: (place) => keeps(place, '{"a":"\0"}\0') },
  {
    name: 'a body of 64 KB comes back as it was',
    async check(place) {
      const room = Math.min(64 * 1024, place.rowBytesMax - otherColumnsBytes)
      for (const character of ['x', 'é', '李']) await keeps(place, character.repeat(room / Buffer.byteLength(character)))
    },
  },
  {
    name: 'F-22 what some backend takes for its own language is data, as body and as user',
    async check(place) {
      for (const trap of traps) {
        const user = place.user() + trap
        const row = await place.create({ body: trap, user })
        await place.holds(row, JSON.stringify(trap))
        const changed = { ...row, body: trap + trap }
        await place.holds({ ...changed, version: await place.put(changed, row.version) }, `after put of ${JSON.stringify(trap)}`)
        if (place.has('idsOf')) assert.deepEqual(await place.method('idsOf')(user), [row.id])
      }
    },
  },
  {
    name: 'ids that differ in one character, or in case, are different rows',
    async check(place) {
      const id = `-_aB${newId().slice(6)}xY`
      const likenesses = [id.toLowerCase(), id.toUpperCase(), `__${id.slice(2)}`, `--${id.slice(2)}`, `${id.slice(0, -1)}Z`]
      const row = await place.create({ id })
      const others = await Promise.all(likenesses.map((likeness) => place.create({ id: likeness, body: likeness })))
      await place.store.delete(row.id)
      for (const other of others) await place.holds(other, 'after a likeness was deleted')
    },
  },
  {
    name: 'ids of digits or dashes, or with odd beginnings, are ids',
    async check(place) {
      const digits = `${randomInt(2 ** 47)}`.padStart(15, '1')
      const tail = newId().replaceAll(/[-_]/g, 'x').slice(0, 12)
      const ids = [`${digits}000000001`, `${digits}000000002`, `000000000${digits}`, `-${digits}00000000`, `1e9999999${digits}`]
      for (const head of ['------------', '____________', '__proto____-', 'constructor-']) ids.push(head + tail)
      const rows = []
      for (const id of ids) rows.push(await place.create({ id, body: `"${id}"` }))
      for (const row of rows) await place.holds(row, row.id)
    },
  },
  {
    name: 'what was handed in or out can be changed without changing the row',
    async check(place) {
      const given = { ...place.row() }
      const kept = { ...given, version: await place.put(given, null) }
      Object.assign(given, { body: '"changed"', user: 'changed', expiresAt: 0 })
      await place.holds(kept, 'after the row that was handed in changed')
      const out = await place.store.get(kept.id)
      Object.assign(out ?? {}, { body: '"changed"', user: 'changed', expiresAt: 0, version: 'changed' })
      const outNow = place.store.getNow?.(kept.id)
      Object.assign(outNow ?? {}, { body: '"changed"', version: 'changed' })
      await place.holds(kept, 'after the row that was handed out changed')
    },
  },
]

async function keeps(place: Place, body: string): Promise<void> {
  const row = await place.create({ body })
  await place.holds(row, 'after creation')
  const changed = { ...row, body: `${body.slice(1)}1` }
  await place.holds({ ...changed, version: await place.put(changed, row.version) }, 'after put')
}
