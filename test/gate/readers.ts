/**
 * The readers of other systems' bytes under fuzzing: genuine pickles, cookies and payloads, changed at random. None may make a reader
 * throw, keep it busy for longer than 5 ms, or touch a prototype.
 *
 *     node test/gate/readers.ts [--count 2000000] [--seed 1]     inputs in all, and the seed they come from
 */
import { readersToFuzz, type FuzzedReader } from '../migrate/fuzzed.ts'
import { mutatedBytes } from '../support/mutations.ts'
import { Dice } from '../support/random.ts'
import { gate } from './program.ts'

/** An input may not take longer. */
const busyMsMax = 5
/** The machine may be busy itself: an input that took too long is read again, and its best time counts. */
const triesMax = 12
const prototypes: readonly object[] = [Object, Array, Map, Set, Date, Uint8Array, Promise, BigInt, String].map(
  ({ prototype }) => prototype as object,
)
const before = prototypes.map(shapeOf)

/** Everything wrong with what so many inputs made of a reader. */
export function fuzz(
  { name, genuine, pieces, read }: FuzzedReader,
  dice: Dice,
  count: number,
  progress = (_done: number): void => {},
): string[] {
  const problems: string[] = []
  for (let n = 0; n < count && problems.length < 10; n++) {
    const input = mutatedBytes(dice, genuine, pieces)
    const wrong = problemWith(read, input)
    if (wrong !== null) problems.push(`${name}: ${wrong}: ${JSON.stringify(input)}`)
    if (n % 256 === 0) progress(n)
    if (n % 256 === 0 && prototypes.map(shapeOf).some((shape, i) => shape !== before[i]))
      problems.push(`${name}: a prototype was touched by input ${n} or before`)
  }
  return problems
}

/** Whether genuine inputs are read at all, so that a reader that refuses everything proves nothing. */
export function readsGenuine({ genuine, read }: FuzzedReader): boolean {
  return genuine.some((input) => typeof read(input) === 'object' && read(input) !== null)
}

function problemWith(read: FuzzedReader['read'], input: string): string | null {
  let bestMs = Number.POSITIVE_INFINITY
  let value: unknown
  for (let tries = 0; bestMs > busyMsMax && tries < triesMax; tries++) {
    const began = performance.now()
    try {
      value = read(input)
    } catch (error) {
      return `throws ${String(error)}`
    }
    bestMs = Math.min(bestMs, performance.now() - began)
  }
  if (bestMs > busyMsMax) return `takes ${bestMs.toFixed(1)} ms`
  return hasStrangePrototype(value) ? 'answers an object with a strange prototype' : null
}

function hasStrangePrototype(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && !prototypes.includes(prototype as object)) return true
  if (Array.isArray(value)) return value.some(hasStrangePrototype)
  if (value instanceof Map) return [...value].some(hasStrangePrototype)
  if (value instanceof Set) return [...value].some(hasStrangePrototype)
  return prototype === Object.prototype && Object.values(value).some(hasStrangePrototype)
}

function shapeOf(prototype: object): string {
  return `${String(Object.getPrototypeOf(prototype) === null)} ${Reflect.ownKeys(prototype).length}`
}

await gate(import.meta, { count: 2_000_000, seed: 1 }, async function* ({ count, seed, progress }) {
  const each = Math.ceil(count / readersToFuzz.length)
  for (const [at, reader] of readersToFuzz.entries()) {
    const problems = fuzz(reader, new Dice(seed + at), each, (done) => progress(at * each + done))
    if (!readsGenuine(reader)) problems.push(`${reader.name}: no genuine input is read`)
    yield {
      what: `fuzzed readers: ${reader.name} (seed ${seed + at})`,
      many: `${each} inputs`,
      zero: `thrown, over ${busyMsMax} ms, prototypes touched`,
      wrong: problems.length,
      problems,
    }
  }
  progress(count)
})
