import { beforeAll, expect, test } from 'vitest'
import { collect, type Report } from '../../src/testing/runner.ts'
import { storeContract } from '../../src/testing/store-contract.ts'
import { HonestStore } from './honest-store.ts'
import { mutants } from './mutants.ts'

/** A row larger than this is refused by the honest store. */
const rowBytesMax = 200_000

async function judge(breakIt: (store: HonestStore) => void): Promise<Report[]> {
  const store = new HonestStore()
  store.put = async (row, expected) => {
    if (row.body.length > rowBytesMax && store.column === HonestStore.prototype.column) throw new Error('too large')
    return store.holds(row.id, expected) ? store.write(row) : null
  }
  breakIt(store)
  const reopen = async (): Promise<HonestStore> => {
    store.restart()
    return store
  }
  return collect((runner) =>
    storeContract({ name: 'store', open: async () => ({ store, second: store.second, reopen }), rowBytesMax }, runner),
  )
}

const broken = (reports: readonly Report[]): string[] => reports.filter(({ error }) => error !== null).map(({ name }) => name)

let honest: Report[]
const reports = new Map<string, Report[]>()

// All at once: each waits two seconds for a session to expire.
beforeAll(async () => {
  const judged = Object.entries(mutants).map(async ([name, breakIt]) => void reports.set(name, await judge(breakIt)))
  honest = await judge(() => {})
  await Promise.all(judged)
})

test('the contract lets an honest store pass', () => {
  expect(honest.filter(({ error }) => error !== null)).toEqual([])
})

test.each(Object.keys(mutants))('the contract catches: %s', (name) => {
  expect(broken(reports.get(name) ?? [])).not.toEqual([])
})

test('every rule of the contract catches somebody', () => {
  const biting = new Set([...reports.values()].flatMap(broken))
  expect(honest.map(({ name }) => name).filter((name) => !biting.has(name))).toEqual([])
})
