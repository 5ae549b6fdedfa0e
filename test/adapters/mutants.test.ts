import { AssertionError } from 'node:assert'
import { expect, test } from 'vitest'
import { adapterContract, type Serve } from '../../src/testing/adapter-contract.ts'
import { serveNode } from './harness.ts'
import { mutants } from './mutants.ts'

interface Collected {
  readonly name: string
  readonly run: () => Promise<void>
}

/** The cases of the contract, for this way to serve. */
function casesOf(serve: Serve, lacks: Record<string, string> = {}): Collected[] {
  const cases: Collected[] = []
  adapterContract({ name: 'collected', serve, lacks }, { describe: (_, define) => define(), it: (name, run) => cases.push({ name, run }) })
  return cases
}

test.each(mutants)('the contract catches an adapter that $name', async ({ caught, serve }) => {
  const one = casesOf(serve).find(({ name }) => name.startsWith(caught))
  await expect(one?.run()).rejects.toThrow(AssertionError)
})

test('a gap has to name a case, and one that is none is a failure', async () => {
  expect(() => casesOf(serveNode, { 'Z-99': 'no reason' })).toThrow('lacks names cases that do not exist')
  const gap = casesOf(serveNode, { 'S1.1': 'we say so' }).find(({ name }) => name.startsWith('lacks S1.1'))
  expect(gap?.name).toMatch(/: we say so$/)
  await expect(gap?.run()).rejects.toThrow('take it out of lacks')
})
