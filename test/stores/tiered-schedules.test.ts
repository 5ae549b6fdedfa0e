import { describe, expect, it } from 'vitest'
import type * as Tiered from '../../src/stores/tiered.ts'
import { runTiers } from '../gate/tiers.ts'
import { mutated } from '../support/mutated.ts'
import { mutants } from './tiered-mutants.ts'

const first = Date.now() % 1_000_000
const searched = 6_000

it(`R-01 R-02 R-06 F-13 four hundred schedules of two tieredStores from seed ${first}: no answer is older than promised`, async () => {
  const problems: string[] = []
  for (let i = 0; i < 400; i++) problems.push(...(await runTiers(first + i)).problems)
  expect(problems).toEqual([])
})

describe('each clause of the protocol is needed: a schedule catches a tieredStore where', () => {
  it.each(Object.entries(mutants))('%s', { timeout: 300_000 }, async (_name, { seed, breaks }) => {
    const folders = ['stores/tiered', 'stores/common', 'core/types.ts', 'core/errors.ts']
    const { module, remove } = await mutated<typeof Tiered>('stores/tiered.ts', folders, breaks)
    let problems: readonly string[] = []
    for (let i = 0; i < searched && problems.length === 0; i++) problems = (await runTiers(seed + i, module.tieredStore)).problems
    remove()
    expect(problems).not.toEqual([])
  })
})
