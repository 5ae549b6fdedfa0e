import assert from 'node:assert/strict'
import type { StoredRow } from '../../core/types.ts'
import { hourMs, type Place, shortMs } from './place.ts'
import type { Rule } from './rule.ts'

const dayMs = 24 * hourMs

const touchRules: readonly Rule[] = [
  {
    name: 'R-03 touch moves the expiry, not the body, the user or the version',
    needs: ['touch'],
    async check(place) {
      const row = await place.create({ user: place.user() })
      const expiresAt = row.expiresAt + hourMs
      assert.equal(await place.method('touch')(row.id, expiresAt), true)
      await place.holds({ ...row, expiresAt }, 'after touch')
    },
  },
  {
    name: 'touch never moves the expiry to an earlier time',
    needs: ['touch'],
    async check(place) {
      const row = await place.create()
      for (const expiresAt of [row.expiresAt - 1_000, row.expiresAt, 0]) assert.equal(await place.method('touch')(row.id, expiresAt), true)
      await place.holds(row, 'after touches to earlier times')
    },
  },
  {
    name: 'touch answers false where nothing is, and makes nothing',
    needs: ['touch'],
    async check(place) {
      const row = await place.create({ user: place.user() })
      await place.store.delete(row.id)
      for (const id of [row.id, place.row().id]) {
        assert.equal(await place.method('touch')(id, row.expiresAt + hourMs), false)
        await place.isGone(id, 'touch made a row')
      }
    },
  },
  {
    name: 'R-03 a put on the version read before a touch holds',
    needs: ['touch'],
    async check(place) {
      const { version, ...row } = await place.create()
      await place.method('touch')(row.id, row.expiresAt + hourMs)
      const changed = { ...row, body: '"after the touch"' }
      await place.holds({ ...changed, version: await place.put(changed, version) }, 'after put')
    },
  },
]

const sweepRules: readonly Rule[] = [
  {
    name: 'D-06 sweep drops what has expired, at most as many rows as it was told, and says how many',
    needs: ['sweep'],
    async check(place) {
      const sweep = place.method('sweep')
      const now = Date.now()
      await sweepAll(place, now - hourMs)
      const rows = []
      for (let n = 0; n < 7; n++) rows.push(await place.create({ expiresAt: now - 2 * hourMs }))
      for (let left = await countOf(place, rows), rounds = 0; left > 0; rounds++) {
        const told = await sweep(now - hourMs, 3)
        const dropped = left - (await countOf(place, rows))
        assert.ok(dropped <= 3 && told <= 3, `sweep was told 3, dropped ${dropped} and says ${told}`)
        assert.ok(told >= dropped && told > 0, `sweep dropped ${dropped}, left ${left - dropped} and says ${told}`)
        left -= dropped
        assert.ok(rounds < 100, 'sweep leaves expired rows where they are')
      }
    },
  },
  {
    name: 'sweep goes by the time it is given, and leaves what lives',
    needs: ['sweep'],
    async check(place) {
      const now = Date.now()
      const rows = [await place.create(), await place.create({ expiresAt: now + 60_000 }), await place.create({ user: place.user() })]
      const expired = await place.create({ expiresAt: now - hourMs })
      const wasThere = (await place.get(expired.id)) !== null
      await sweepAll(place, now - 2 * hourMs)
      if (wasThere) await place.holds(expired, 'it had not expired at the time sweep was given')
      await sweepAll(place, now)
      for (const row of rows) await place.holds(row, 'a live row')
      await place.isGone(expired.id, 'after sweep')
    },
  },
  {
    name: 'sweep leaves a row that a put gave more time',
    needs: ['sweep'],
    async check(place) {
      const row = await place.create({ expiresAt: Date.now() + 50 })
      const longer = { ...row, expiresAt: Date.now() + hourMs }
      const kept = { ...longer, version: await place.put(longer, row.version) }
      await new Promise((resolve) => setTimeout(resolve, 100))
      await sweepAll(place, Date.now())
      await place.holds(kept, 'after sweep')
      const shorter = { ...kept, expiresAt: Date.now() - hourMs }
      await place.put(shorter, kept.version)
      await sweepAll(place, Date.now())
      await place.isGone(row.id, 'a row that a put gave less time')
    },
  },
  {
    name: 'sweep leaves a row that a touch gave more time',
    needs: ['sweep', 'touch'],
    async check(place) {
      const row = await place.create({ expiresAt: Date.now() + 50 })
      const expiresAt = Date.now() + hourMs
      await place.method('touch')(row.id, expiresAt)
      await new Promise((resolve) => setTimeout(resolve, 100))
      await sweepAll(place, Date.now())
      await place.holds({ ...row, expiresAt }, 'after sweep')
    },
  },
  {
    name: 'sweep takes a row out of the user index',
    needs: ['sweep', 'idsOf'],
    async check(place) {
      const user = place.user()
      await place.create({ user, expiresAt: Date.now() - hourMs })
      const live = await place.create({ user })
      await sweepAll(place, Date.now())
      assert.deepEqual(await place.method('idsOf')(user), [live.id])
    },
  },
]

export const expiryRules: readonly Rule[] = [
  ...touchRules,
  {
    name: 'L-10 a session that was put again or touched outlives its first expiry, and so does its place in the user index',
    async check(place) {
      const user = place.user()
      const rows = [
        await place.create({ expiresAt: Date.now() + shortMs, user }),
        await place.create({ expiresAt: Date.now() + shortMs, user }),
      ]
      for (const [n, row] of rows.entries()) {
        const longer = { ...row, expiresAt: Date.now() + hourMs }
        if (n === 0 && place.has('touch')) await place.method('touch')(row.id, longer.expiresAt)
        else await place.put(longer, row.version)
      }
      await place.shortWait()
      for (const { id } of rows) assert.ok((await place.get(id)) !== null, 'it ended at its first expiry')
      if (place.has('idsOf')) assert.deepEqual((await place.method('idsOf')(user)).toSorted(), rows.map(({ id }) => id).toSorted())
    },
  },
  {
    name: 'a row that is to live for 400 days is there',
    async check(place) {
      await place.holds(await place.create({ expiresAt: Date.now() + 400 * dayMs }), 'a row of 400 days')
    },
  },
  {
    name: 'an expired row counts as something until it is gone',
    async check(place) {
      for (let tries = 1; ; tries++) {
        const row = await place.create({ expiresAt: Date.now() - hourMs })
        if ((await place.get(row.id)) === null) return
        if ((await place.store.put({ ...row, body: '"other"' }, null)) === null) return
        // A server may drop it in just this moment, but not each time.
        assert.ok(tries < 5, 'the row was there a moment ago, so its place was taken')
      }
    },
  },
  ...sweepRules,
]

async function countOf(place: Place, rows: readonly StoredRow[]): Promise<number> {
  const found = await Promise.all(rows.map(({ id }) => place.get(id)))
  return found.filter((row) => row !== null).length
}

async function sweepAll(place: Place, now: number): Promise<void> {
  const sweep = place.method('sweep')
  for (let rounds = 0; (await sweep(now, 500)) > 0; rounds++) assert.ok(rounds < 5_000, 'sweep never ends')
}
