import assert from 'node:assert/strict'
import type { Rule } from './rule.ts'

const parallel = 50

export const handleRules: readonly Rule[] = [
  {
    name: 'guarantees say what is there',
    async check(place) {
      const { guarantees } = place.store
      for (const word of ['compareAndSwap', 'durable', 'mayEvict', 'userIndex'] as const)
        assert.equal(typeof guarantees[word], 'boolean', word)
      assert.equal(guarantees.userIndex, place.has('idsOf'), '`userIndex` must be true with `idsOf`, and only with it')
      if (guarantees.durable) assert.ok(place.has('reopen'), 'a durable store must show it: let `open` give `reopen`')
    },
  },
  {
    name: 'ready finds nothing wrong with a server that is as it should be, and changes nothing',
    needs: ['ready'],
    async check(place) {
      const row = await place.create({ user: place.user() })
      await Promise.all([place.method('ready')(), place.method('ready')()])
      await place.holds(row, 'after ready')
    },
  },
  {
    name: 'R-06 what one handle was told, another reads',
    needs: ['second'],
    async check(place) {
      const { second } = place
      const row = await place.create({ user: place.user() })
      assert.deepEqual({ ...(await second.get(row.id)) }, { ...row })
      const version = await second.put({ ...row, body: '"second"' }, row.version)
      assert.ok(version !== null, 'the version that one handle gave must hold for the other')
      await place.refused(row, row.version, 'the other handle had replaced it')
      await place.holds({ ...row, body: '"second"', version }, 'after a put on the other handle')
      await place.store.delete(row.id)
      assert.equal(await second.get(row.id), null, 'the other handle had deleted it')
      assert.equal(await second.put(row, version), null, 'the other handle had deleted it')
    },
  },
  {
    name: `R-11 of ${parallel} puts through two handles exactly one wins`,
    needs: ['second'],
    luck: true,
    async check(place) {
      for (let first = 0; first < 2; first++) {
        const { version, ...row } = await place.create()
        const handles = [place.store, place.second]
        const puts = Array.from({ length: parallel }, (_, n) =>
          (handles[(first + n) % 2] ?? place.store).put({ ...row, body: `${n}` }, version),
        )
        const winners = (await Promise.all(puts)).filter((answer) => answer !== null)
        assert.equal(winners.length, 1, `${winners.length} of ${parallel} were told they had won`)
        assert.equal((await place.get(row.id))?.version, winners[0], 'the row is not the one of the winner')
      }
    },
  },
  {
    name: 'K-08 what was acknowledged is there after a restart, and what was deleted is not',
    needs: ['reopen'],
    async check(place) {
      const user = place.user()
      const kept = await place.create({ user })
      const ended = await place.create({ user })
      await place.store.delete(ended.id)
      await place.reopen()
      await place.holds(kept, 'after a restart')
      await place.isGone(ended.id, 'after a restart')
      await place.refused(ended, ended.version, 'the row was deleted before the restart')
      if (place.has('idsOf')) assert.deepEqual(await place.method('idsOf')(user), [kept.id])
    },
  },
  {
    name: 'a version never comes back, not even after a restart',
    needs: ['reopen'],
    async check(place) {
      const row = place.row()
      const seen: string[] = []
      for (let life = 0; life < 3; life++) {
        await place.reopen()
        seen.push(await place.put(row, null))
        for (let put = 0; put < 3; put++) seen.push(await place.put(row, seen.at(-1) as string))
        await place.store.delete(row.id)
      }
      assert.equal(new Set(seen).size, seen.length, `a version repeated: ${seen.join(' ')}`)
    },
  },
]
