/**
 * Recorded histories: twelve clients with forty requests each, mixed at random, on a few shared sessions, through two engines on one
 * store, or two processes on one file. Every session's history is checked for an order that explains all answers.
 *
 *     node test/gate/histories.ts [--count 200] [--seed 1]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore } from '../../src/stores/memory.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { check, explain } from '../support/checker.ts'
import type { Journal } from '../support/journal.ts'
import { type Place, type Plan, twoEngines, twoProcesses } from './places.ts'
import { gate, type GateOptions, type Row, stopwatch } from './program.ts'

/** What is wrong with the histories, in words. */
export function problemsIn({ histories }: Journal, seed: number): string[] {
  return histories.flatMap(({ born, calls }) => {
    const verdict = check(born, calls)
    return verdict.ok ? [] : [`seed ${seed}: ${explain(verdict)}`]
  })
}

function inFolder(open: (file: string, remove: () => void) => Place): Place {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-histories-'))
  return open(join(folder, 'sessions.db'), () => rmSync(folder, { recursive: true, force: true }))
}

export const places: readonly { readonly name: string; open(): Place }[] = [
  { name: 'memory, two engines', open: () => twoEngines(memoryStore()) },
  { name: 'SQLite, two engines', open: () => inFolder((file, remove) => twoEngines(sqliteStore({ file }), remove)) },
  { name: 'SQLite, two processes', open: () => inFolder((file, remove) => twoProcesses({ kind: 'sqlite', file }, remove)) },
]

/** Records and checks as many histories as asked for. */
export async function recordAll(
  place: Place,
  { count, seed, progress, secondsMax }: GateOptions,
  plan: Partial<Plan> = {},
): Promise<Pick<Row, 'many' | 'zero' | 'wrong' | 'problems'>> {
  const problems: string[] = []
  const isOver = stopwatch(secondsMax)
  let [done, calls, sessions] = [0, 0, 0]
  for (; done < count && !isOver(); done++) {
    const journal = await place.record({ seed: seed + done, clients: 12, requests: 40, ...plan })
    problems.push(...problemsIn(journal, seed + done))
    calls += journal.calls.length
    sessions += journal.births.size
    progress(done + 1)
  }
  const many = `${done} histories, ${sessions} sessions, ${calls} calls`
  return { many, zero: 'lost, doubled or revived', wrong: problems.length, problems }
}

await gate(import.meta, { count: 200, seed: 1 }, async function* (options) {
  const { count, seed } = options
  for (const { name, open } of places) {
    const place = open()
    const found = await recordAll(place, options)
    await place.close()
    yield { what: `histories of 12 clients with 40 requests each: ${name} (seeds ${seed} to ${seed + count - 1})`, ...found }
  }
})
