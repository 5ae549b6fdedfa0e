/** The programs of the gate, the short way; `npm run test:gate` runs them at full length. */
import { expect, it } from 'vitest'
import { places, problemsIn } from '../gate/histories.ts'
import { courses, runRaces } from '../gate/logout-races.ts'
import { runSchedule } from '../gate/schedules.ts'

const seed = Date.now() % 1_000_000

it(`R-10 three hundred schedules from seed ${seed} are linearizable, and in none does anything hang or go uncaught`, async () => {
  const problems: string[] = []
  for (let i = 0; i < 300; i++) problems.push(...(await runSchedule(seed + i)).problems)
  expect(problems).toEqual([])
})

it.each(places)(`R-01 R-11 histories of 12 clients with 40 requests each, from seed ${seed}, lose nothing: $name`, async ({ open }) => {
  const place = open()
  for (const one of [seed, seed + 1]) {
    const journal = await place.record({ seed: one, clients: 12, requests: 40 })
    expect(journal.calls.length).toBeGreaterThan(500)
    expect(problemsIn(journal, one)).toEqual([])
  }
  await place.close()
})

it.each(courses)(
  `R-02 R1 two hundred races of a logout against slow writes, from seed ${seed}: nothing is alive afterwards on $name`,
  async ({ open }) => {
    const { store, close } = open()
    const { ended, problems } = await runRaces(store, { seed, count: 200, progress: () => {} })
    expect(problems).toEqual([])
    expect(ended).toBeGreaterThan(150)
    await close()
  },
)
