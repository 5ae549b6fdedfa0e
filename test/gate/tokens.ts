/**
 * Forged tokens of every format and transport: every bit flipped, every truncation, every suffix of one and two bytes, and random
 * mutations. None may open a session, none may throw, and none may reach the store.
 *
 *     node test/gate/tokens.ts [--count 500000] [--seed 1]     mutations of each, and the seed they come from
 */
import { Dice } from '../support/random.ts'
import { flips, mutated, suffixes, targets, truncations, type Target } from '../support/forgery.ts'
import { gate } from './program.ts'

export interface Attack {
  readonly tried: number
  readonly problems: readonly string[]
}

/** Shows texts to a target; those that contain a genuine token, byte for byte, are left out. */
export async function attack(target: Target, texts: Iterable<string>): Promise<Attack> {
  const problems: string[] = []
  const callsBefore = target.storeCalls.length
  let tried = 0
  for (const text of texts) {
    if (target.candidates(text).some((one) => target.genuine.includes(one))) continue
    tried++
    const opened = await target.opens(text).catch((error: unknown) => String(error))
    if (opened !== false)
      problems.push(`${target.name}: ${JSON.stringify(text)} ${opened === true ? 'opens a session' : `throws ${opened}`}`)
  }
  const calls = target.storeCalls.length - callsBefore
  if (calls > 0) problems.push(`${target.name}: ${calls} store calls for forged tokens`)
  return { tried, problems }
}

/** The same with the whole header, its name included. */
export async function attackHeader(target: Target): Promise<Attack> {
  const [token] = target.genuine
  const whole = target.name.endsWith('cookie') ? `__Host-session=${token}` : token
  return attack({ ...target, opens: (text) => target.opensHeader(text), candidates: () => [] }, flips(whole))
}

export function* mutations(dice: Dice, { genuine, candidates }: Target, count: number): Iterable<string> {
  for (let i = 0; i < count;) {
    const text = mutated(dice, genuine)
    if (candidates(text).some((one) => genuine.includes(one))) continue
    i++
    yield text
  }
}

/** Whether genuine tokens still open, so that a target that refuses everything proves nothing. */
export async function genuineOpens({ genuine, opens }: Target): Promise<boolean> {
  return (await Promise.all(genuine.map((token) => opens(token)))).every(Boolean)
}

await gate(import.meta, { count: 500_000, seed: 1 }, async function* ({ count, seed }) {
  const all = await targets()
  const dice = new Dice(seed)
  for (const target of all) {
    const [token] = target.genuine
    const attacks = [await attackHeader(target), await attack(target, truncations(token)), await attack(target, suffixes(token))]
    attacks.push(await attack(target, mutations(dice, target, count)))
    const problems = attacks.flatMap((one) => one.problems)
    if (!(await genuineOpens(target))) problems.push(`${target.name}: the genuine tokens open nothing`)
    const [flipped = 0, cut = 0, suffixed = 0, mutants = 0] = attacks.map(({ tried }) => tried)
    yield {
      what: `forged tokens: ${target.name} (seed ${seed})`,
      many: `${flipped} bit flips, ${cut} truncations, ${suffixed} suffixes, ${mutants} mutations`,
      zero: 'accepted, thrown or asked of the store',
      wrong: problems.length,
      problems,
    }
  }
})
