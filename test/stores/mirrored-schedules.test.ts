import { describe, expect, it } from 'vitest'
import type * as Mirrored from '../../src/stores/mirrored.ts'
import { runMirrors } from '../gate/mirrors.ts'
import { type Mutant, mutated, type Mutated } from '../support/mutated.ts'
import { whatCameBack } from './mirrored-ends.ts'
import { endings, mutants } from './mirrored-mutants.ts'

const first = Date.now() % 1_000_000
const searched = 6_000

it(`R-01 R-02 R-06 S3.4 four hundred schedules of processes in either phase from seed ${first}: one row could have told the same`, async () => {
  const problems: string[] = []
  for (let i = 0; i < 400; i++) problems.push(...(await runMirrors(first + i)).problems)
  expect(problems).toEqual([])
})

const broken = ({ breaks }: Mutant): Promise<Mutated<typeof Mirrored>> =>
  mutated('stores/mirrored.ts', ['stores/mirrored', 'stores/common', 'core/types.ts', 'core/errors.ts'], breaks)

describe('each clause of the protocol is needed', () => {
  it.each(Object.entries(mutants))('a schedule catches a mirroredStore where %s', { timeout: 300_000 }, async (_name, mutant) => {
    const { module, remove } = await broken(mutant)
    let problems: readonly string[] = []
    for (let i = 0; i < searched && problems.length === 0; i++) {
      problems = await runMirrors(mutant.seed + i, module.mirroredStore).then(
        (told) => told.problems,
        (error: unknown) => [String(error)],
      )
    }
    remove()
    expect(problems).not.toEqual([])
  })

  it.each(Object.entries(endings))('half a delete catches a mirroredStore where %s', async (_name, mutant) => {
    const { module, remove } = await broken(mutant)
    const back = await whatCameBack(module.mirroredStore)
    remove()
    expect(back).not.toEqual([])
  })
})
