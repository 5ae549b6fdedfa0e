import assert from 'node:assert/strict'
import type { Runner } from './runner.ts'
import { dataRules, limitRule } from './store-contract/data.ts'
import { expiryRules } from './store-contract/expiry.ts'
import { handleRules } from './store-contract/handles.ts'
import { pageRules } from './store-contract/pages.ts'
import { type OpenedStore, type Optional, Place } from './store-contract/place.ts'
import type { Rule } from './store-contract/rule.ts'
import { userRules } from './store-contract/users.ts'
import { writeRules } from './store-contract/writes.ts'

export type { OpenedStore } from './store-contract/place.ts'

/** A rule that a store does not hold, and why. */
export interface Lack {
  /** The name of a rule as the contract prints it; or `touch`, `getMany`, `idsOf`, `scan`, `sweep`, `ready`, `second` or `reopen` for all about it. */
  readonly rule: string
  readonly reason: string
}

/** A store, as the contract sees it. */
export interface StoreUnderTest {
  /** For the test names. */
  readonly name: string
  /** Called once. The rows may be those of an earlier run: the contract uses ids of its own. */
  open(): Promise<OpenedStore>
  readonly lacks?: readonly Lack[]
  /** The size of a row that the store refuses, in bytes. Default: none that matters. */
  readonly rowBytesMax?: number
}

const optionals: readonly Optional[] = ['touch', 'getMany', 'idsOf', 'scan', 'sweep', 'ready', 'second', 'reopen']
/** What `guarantees.compareAndSwap` stands for. A store that reads, compares and then writes holds the first and still loses the race. */
const compareAndSwap = new Set(['R-01 a stale version loses and changes nothing', 'R-01 of 50 puts on one version exactly one wins'])
const rules: readonly Rule[] = [...writeRules, ...dataRules, ...expiryRules, ...userRules, ...pageRules, ...handleRules]

/**
 * What a store must do, as tests. Run it against the real server, twice: rows of an earlier run must not matter.
 *
 * Every gap is written down in `lacks` with its reason, and a gap that is none fails: a method that is there after all, a rule
 * that holds after all. The cases run one after the other, in the order they are defined, and the last one closes the store.
 *
 * @example
 * ```ts
 * import { describe, it } from 'node:test'
 * import { memoryStore } from 'coatcheck/memory'
 * import { storeContract } from 'coatcheck/testing'
 *
 * storeContract(
 *   {
 *     name: 'memory',
 *     open: async () => ({ store: memoryStore({ clock: () => 0 }) }),
 *     lacks: [
 *       { rule: 'getMany', reason: 'reads wait for nothing, so there is nothing to gather' },
 *       { rule: 'ready', reason: 'there is no server to look at' },
 *       { rule: 'second', reason: 'the rows live in one process' },
 *       { rule: 'reopen', reason: 'the rows end with the process' },
 *     ],
 *   },
 *   { describe, it },
 * )
 * ```
 */
export function storeContract({ name, open, lacks = [], rowBytesMax }: StoreUnderTest, { describe, it }: Runner): void {
  const known = rowBytesMax === undefined ? rules : [...rules, limitRule]
  for (const lack of lacks) checkLack(lack, known)
  let opened: Promise<Place> | null = null
  const place = (): Promise<Place> => (opened ??= open().then((one) => new Place(one, rowBytesMax ?? Number.POSITIVE_INFINITY)))

  describe(`${name} keeps the store contract`, () => {
    for (const { rule, reason } of lacks) it(`lacks ${rule}: ${reason}`, async () => lacksIt(await place(), rule, known))
    for (const rule of known) {
      if (lacks.some((lack) => lack.rule === rule.name || rule.needs?.includes(lack.rule as Optional))) continue
      it(rule.name, async () => rule.check(await place()))
    }
    it('guarantees compare-and-swap exactly if it holds', async () => {
      const { guarantees } = (await place()).store
      assert.equal(guarantees.compareAndSwap, !lacks.some(({ rule }) => compareAndSwap.has(rule)))
    })
    it('closes', async () => (await place()).close())
  })
}

function checkLack({ rule, reason }: Lack, known: readonly Rule[]): void {
  const isRule = known.some(({ name }) => name === rule) || optionals.some((name) => name === rule)
  if (!isRule) throw new Error(`storeContract: lacks names no rule: '${rule}'`)
  if (reason.trim() === '') throw new Error(`storeContract: lacks '${rule}' without a reason`)
}

/** A gap must be one, as far as that can be told. */
async function lacksIt(place: Place, name: string, known: readonly Rule[]): Promise<void> {
  const optional = optionals.find((one) => one === name)
  if (optional !== undefined) return assert.ok(!place.has(optional), `${optional} is there: strike it from lacks`)
  const rule = known.find((one) => one.name === name)
  if (rule === undefined || rule.luck === true) return
  await assert.rejects(rule.check(place), `'${name}' holds: strike it from lacks`)
}
