/** Each clause of the protocol, broken: what the schedules of test/gate/tiers.ts must catch. */
import type { Mutant } from '../support/mutated.ts'

const [cache, reads, writes] = ['stores/tiered/cache.ts', 'stores/tiered/reads.ts', 'stores/tiered/writes.ts']

export const mutants: Readonly<Record<string, Mutant>> = {
  'a fill asks nobody': {
    seed: 20,
    breaks: [
      {
        file: cache,
        from: 'await this.#put(id, entry, version)',
        to: 'const seen = await this.read(id)\nif (seen !== away) await this.#put(id, entry, seen?.version ?? null)',
      },
    ],
  },
  'a fill goes over tombstones': {
    seed: 144,
    breaks: [{ file: reads, from: 'return entry === null || this.#cache.isBuried(entry) ? this.#load(id) : ', to: 'return ' }],
  },
  'a fill goes where nothing is': {
    seed: 125,
    breaks: [
      { file: reads, from: 'const marker = await this.#cache.dig(id)\n', to: 'const marker = null\nreturn this.#share(id, marker)\n' },
    ],
  },
  'no tombstone': { seed: 20, breaks: [{ file: writes, from: 'const tomb = await this.#cache.bury(id)', to: 'const tomb = away' }] },
  'no tombstone for a creation': {
    seed: 16,
    breaks: [
      {
        file: writes,
        from: 'const { id, body, user, expiresAt } = row\n',
        to: 'const { id, body, user, expiresAt } = row\nif (expected === null) return this.#durable.put(row, expected)\n',
      },
    ],
  },
  'the tombstone comes after the write': {
    seed: 32,
    breaks: [
      { file: writes, from: 'const tomb = await this.#cache.bury(id)', to: 'let tomb = null' },
      { file: writes, from: 'const answer = await write()', to: 'const answer = await write()\ntomb = await this.#cache.bury(id)' },
    ],
  },
  'a tombstone asks nobody': {
    seed: 52,
    breaks: [
      {
        file: cache,
        from: "busy ? { kind: 'tomb', until: othersUntil, othersUntil } : entry, tomb.version)",
        to: 'entry, (await this.read(id))?.version ?? null)',
      },
    ],
  },
  'a tombstone over another ends with its own write': {
    seed: 236,
    breaks: [{ file: cache, from: 'const busy = othersUntil > this.#options.clock()', to: 'const busy = false' }],
  },
  'a tombstone that was known says nothing of other writes': {
    seed: 204,
    breaks: [{ file: cache, from: '{ version, busyUntil: busyUntilOf(entry) })\n    else', to: '{ version, busyUntil: 0 })\n    else' }],
  },
  'a write that lost its tombstone leaves what it finds': {
    seed: 409,
    breaks: [
      {
        file: cache,
        from: 'if (!(await this.#clear(id))) this.distrust()',
        to: 'if (tomb === away && !(await this.#clear(id))) this.distrust()',
      },
    ],
  },
  'a write that lost its tombstone leaves those of others': {
    seed: 23777,
    breaks: [
      {
        file: cache,
        from: 'if (seen === null || seen.entry === null) return true',
        to: 'if (seen === null || this.isBuried(seen.entry)) return true',
      },
    ],
  },
  'a write that lost its tombstone digs holes for those of others': {
    seed: 544,
    breaks: [{ file: cache, from: "this.isBuried(seen.entry) ? seen.entry : { kind: 'hole' }", to: "{ kind: 'hole' }" }],
  },
  'a lost put leaves its row': {
    seed: 1,
    breaks: [
      {
        file: writes,
        from: "(version === null ? hole : { kind: 'value', at, row: { id, body, user, expiresAt, version } })",
        to: '({ kind: \'value\', at, row: { id, body, user, expiresAt, version: version ?? expected ?? "" } })',
      },
    ],
  },
  'a failed write leaves what it meant to': {
    seed: 3,
    breaks: [{ file: writes, from: 'if (tomb === away) this.#cache.distrust()', to: "await this.#cache.settle(id, tomb, left('?', at))" }],
  },
  'entries are believed however old': { seed: 114, breaks: [{ file: cache, from: '&& nowMs - at < this.#options.staleMs ', to: '' }] },
  'entries are as old as the answer, not the question': {
    seed: 2387,
    breaks: [{ file: reads, from: "{ kind: 'value', at, row }", to: "{ kind: 'value', at: this.#clock(), row }" }],
  },
  'a write that the cache did not hear of is forgotten': {
    seed: 591,
    breaks: [{ file: cache, from: ' && at > this.#believedAfter', to: '' }],
  },
  'a load is shared by whoever asks': {
    seed: 342,
    breaks: [{ file: reads, from: 'current?.marker === marker &&', to: 'current !== undefined &&' }],
  },
}
