import assert from 'node:assert/strict'
import type { Place } from './place.ts'
import type { Rule } from './rule.ts'

export const userRules: readonly Rule[] = [
  {
    name: 'idsOf finds all sessions of a user, and none where none are',
    needs: ['idsOf'],
    async check(place) {
      const user = place.user()
      await finds(place, user, [])
      const ids = []
      for (let n = 0; n < 12; n++) ids.push((await place.create({ user })).id)
      await finds(place, user, ids)
    },
  },
  {
    name: 'idsOf follows a session from nobody to a user, to another, and back to nobody',
    needs: ['idsOf'],
    async check(place) {
      const [one, other] = [place.user(), place.user()]
      const row = place.row()
      let version: string | null = null
      for (const user of [null, one, other, null, one]) {
        version = await place.put({ ...row, user }, version)
        for (const each of [one, other]) await finds(place, each, each === user ? [row.id] : [])
      }
    },
  },
  {
    name: 'idsOf forgets a deleted session, and only that',
    needs: ['idsOf'],
    async check(place) {
      const user = place.user()
      const [kept, ended] = [await place.create({ user }), await place.create({ user })]
      await place.store.delete(ended.id)
      await finds(place, user, [kept.id])
      await place.put({ ...ended, user: null }, null)
      await finds(place, user, [kept.id])
    },
  },
  {
    name: 'a refused put leaves the user index alone',
    needs: ['idsOf'],
    async check(place) {
      const [user, intruder] = [place.user(), place.user()]
      const first = await place.create({ user })
      const row = { ...first, version: await place.put(first, first.version) }
      await place.refused({ ...row, user: intruder }, first.version, 'the version was stale')
      await place.refused({ ...row, user: intruder }, null, 'the place was taken')
      await place.refused({ ...place.row(), user: intruder }, row.version, 'there was nothing to replace')
      await finds(place, intruder, [])
      await finds(place, user, [row.id])
    },
  },
  {
    name: 'L-10 idsOf never names a session of another user, however alike the names',
    needs: ['idsOf'],
    async check(place) {
      const user = `Ann.${place.user()}`
      const alike = [
        user.toLowerCase(),
        user.toUpperCase(),
        `${user} `,
        ` ${user}`,
        user.slice(0, -1),
        `${user}x`,
        user.replace('A', 'Á'),
        user.replace('.', '%'),
        user.replace('A', '_'),
        user.replace('A', '*'),
        user.replace('.', ':'),
        `${user}:1`,
      ]
      const rows = [await place.create({ user })]
      for (const other of alike) rows.push(await place.create({ user: other }))
      for (const row of rows) await finds(place, row.user as string, [row.id])
    },
  },
]

async function finds(place: Place, user: string, ids: readonly string[]): Promise<void> {
  assert.deepEqual((await place.method('idsOf')(user)).toSorted(), ids.toSorted(), `the sessions of ${JSON.stringify(user)}`)
}
