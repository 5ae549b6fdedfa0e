import assert from 'node:assert/strict'
import type { Place } from './place.ts'
import type { Rule } from './rule.ts'

const parallel = 50

export const writeRules: readonly Rule[] = [
  {
    name: 'what is not there is null, and put on a version does not make it',
    async check(place) {
      const row = place.row()
      await place.isGone(row.id, 'a row nobody wrote')
      await place.refused(row, (await place.create()).version, 'there was nothing to replace')
      await place.isGone(row.id, 'a refused put left a row behind')
    },
  },
  {
    name: 'put creates a row, get gives it back',
    async check(place) {
      await place.holds(await place.create({ user: place.user() }), 'a new row')
    },
  },
  {
    name: 'F-20 creating over a row changes nothing',
    async check(place) {
      const row = await place.create()
      await place.refused({ ...row, body: '"other"', user: place.user() }, null, 'the place was taken')
      await place.holds(row, 'after a refused creation')
    },
  },
  {
    name: 'put on the version that was read replaces every column',
    async check(place) {
      const { version, ...first } = await place.create({ user: place.user() })
      const row = { ...first, body: '{"n":2}', user: place.user(), expiresAt: first.expiresAt - 1_000 }
      const second = await place.put(row, version)
      await place.holds({ ...row, version: second }, 'after put')
      const last = { ...row, user: null, expiresAt: first.expiresAt + 1_000 }
      await place.holds({ ...last, version: await place.put(last, second) }, 'after another')
    },
  },
  {
    name: 'R-01 a stale version loses and changes nothing',
    async check(place) {
      const { version, ...row } = await place.create()
      const next = { ...row, body: '"winner"' }
      const current = await place.put(next, version)
      await place.refused({ ...row, body: '"loser"', user: place.user(), expiresAt: row.expiresAt + 1 }, version, 'the version was stale')
      await place.holds({ ...next, version: current }, 'after a refused put')
    },
  },
  {
    name: 'the version of one row is no good for another',
    async check(place) {
      const [one, other] = [await place.create(), await place.create()]
      // Stores that count for each row begin both at the same.
      const { version } = one.version === other.version ? { version: await place.put(other, other.version) } : other
      await place.refused({ ...one, body: '"other"' }, version, "another row's version")
      await place.holds(one, 'after a refused put')
    },
  },
  {
    name: 'a version never comes back, not even after a delete',
    async check(place) {
      const row = place.row()
      const seen: string[] = []
      for (let life = 0; life < 3; life++) {
        seen.push(await place.put(row, null))
        for (let put = 0; put < 5; put++) seen.push(await place.put(row, seen.at(-1) as string))
        await place.store.delete(row.id)
      }
      assert.equal(new Set(seen).size, seen.length, `a version repeated: ${seen.join(' ')}`)
    },
  },
  {
    name: 'a version from before a delete does not hold for the row made after it',
    async check(place) {
      const before = await place.create()
      await place.store.delete(before.id)
      const after = { ...before, version: await place.put(before, null) }
      await place.refused({ ...before, body: '"from the dead"' }, before.version, 'that version was deleted')
      await place.holds(after, 'after a put from an earlier life')
    },
  },
  {
    name: 'R-02 no put brings a deleted row back',
    async check(place) {
      const row = await place.create({ user: place.user() })
      await place.store.delete(row.id)
      await place.isGone(row.id, 'after delete')
      await place.refused(row, row.version, 'the row was deleted')
      await place.isGone(row.id, 'a put revived it')
    },
  },
  {
    name: 'deleting twice, or what never was, is fine',
    async check(place) {
      const row = await place.create()
      await place.store.delete(row.id)
      await place.store.delete(row.id)
      await place.store.delete(place.row().id)
    },
  },
  {
    name: `R-01 of ${parallel} puts on one version exactly one wins`,
    luck: true,
    async check(place) {
      const { version, ...row } = await place.create()
      await oneWins(place, await race((n) => place.store.put({ ...row, body: `${n}` }, version)), row.id)
    },
  },
  {
    name: `F-20 of ${parallel} creations of one id exactly one wins`,
    luck: true,
    async check(place) {
      const row = place.row()
      await oneWins(place, await race((n) => place.store.put({ ...row, body: `${n}` }, null)), row.id)
    },
  },
  {
    name: 'R-02 a delete among puts is final',
    luck: true,
    async check(place) {
      for (let round = 0; round < 20; round++) {
        const { version, ...row } = await place.create()
        const remove = (): Promise<unknown> => place.store.delete(row.id)
        const put = (): Promise<unknown> => place.store.put({ ...row, body: `${round}` }, version)
        await Promise.all((round % 2 === 0 ? [put, remove, put] : [remove, put, put]).map((call) => call()))
        await place.isGone(row.id, 'a put that ran beside the delete outlived it')
      }
    },
  },
]

function race(put: (n: number) => Promise<string | null>): Promise<(string | null)[]> {
  return Promise.all(Array.from({ length: parallel }, (_, n) => put(n)))
}

async function oneWins(place: Place, answers: readonly (string | null)[], id: string): Promise<void> {
  const winners = answers.flatMap((version, n) => (version === null ? [] : [{ version, body: `${n}` }]))
  assert.equal(winners.length, 1, `${winners.length} of ${parallel} were told they had won`)
  const found = await place.get(id)
  assert.deepEqual({ version: found?.version, body: found?.body }, { ...winners[0] }, 'the row is not the one of the winner')
}
