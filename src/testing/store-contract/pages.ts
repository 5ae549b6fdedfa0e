import assert from 'node:assert/strict'
import type { Place } from './place.ts'
import type { Rule } from './rule.ts'

/** A server that walks all its keys may find none of ours for a while. */
const idlePagesMax = 10_000

export const pageRules: readonly Rule[] = [
  {
    name: 'getMany answers in the order asked, null where nothing is, also for an id asked twice',
    needs: ['getMany'],
    async check(place) {
      const getMany = place.method('getMany')
      assert.deepEqual(await getMany([]), [])
      const [a, b, c] = [await place.create(), await place.create({ body: '"b"' }), await place.create({ user: place.user() })]
      const asked = [c.id, place.row().id, a.id, b.id, c.id]
      const rows = await getMany(asked)
      assert.equal(rows.length, asked.length)
      for (const [n, id] of asked.entries()) assert.deepEqual({ ...rows[n] }, { ...(await place.get(id)) }, `answer ${n}`)
    },
  },
  {
    name: 'A-07 scan names every id, page by page, and ends',
    needs: ['scan'],
    async check(place) {
      const ids = []
      for (let n = 0; n < 25; n++) ids.push((await place.create()).id)
      const seen = await walk(place, 10, async () => {})
      assert.deepEqual(
        ids.filter((id) => !seen.has(id)),
        [],
        'scan left these out',
      )
    },
  },
  {
    name: 'A-07 a page of scan holds no more than its limit',
    needs: ['scan'],
    async check(place) {
      for (let n = 0; n < 25; n++) await place.create()
      await walk(place, 7, async (page) => assert.ok(page.length <= 7, `a page of ${page.length} where 7 was the limit`))
    },
  },
  {
    name: 'A-07 scan names what is there all along, whatever comes and goes meanwhile',
    needs: ['scan'],
    async check(place) {
      const [lasting, passing] = [new Set<string>(), new Set<string>()]
      for (let n = 0; n < 40; n++) (n % 2 === 0 ? lasting : passing).add((await place.create()).id)
      const seen = await walk(place, 5, async (page) => {
        for (const id of page) if (passing.delete(id)) await place.store.delete(id)
        if (page.some((id) => lasting.has(id))) await place.create()
      })
      assert.deepEqual(
        [...lasting].filter((id) => !seen.has(id)),
        [],
        'scan left these out',
      )
    },
  },
]

/** Walks all pages. */
async function walk(place: Place, limit: number, visit: (ids: readonly string[]) => Promise<void>): Promise<Set<string>> {
  const scan = place.method('scan')
  const seen = new Set<string>()
  let cursor: string | null = null
  for (let idlePages = 0; ; idlePages++) {
    assert.ok(idlePages < idlePagesMax, 'scan never ends')
    const page: { ids: string[]; cursor: string | null } = await scan(cursor, limit)
    if (page.ids.some((id) => !seen.has(id))) idlePages = 0
    for (const id of page.ids) seen.add(id)
    await visit(page.ids)
    if (page.cursor === null) return seen
    cursor = page.cursor
  }
}
