/**
 * Recorded histories: twelve clients with forty requests each, mixed at random, on a few shared sessions, through two engines on one
 * store, or two processes on one file. Every session's history is checked for an order that explains all answers.
 *
 *     node test/gate/histories.ts [--count 200] [--seed 1]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSessions, type Sessions, type SessionStore } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { check, explain } from '../support/checker.ts'
import { Client } from '../support/history.ts'
import { Journal, type Slot, type World } from '../support/journal.ts'
import { Dice } from '../support/random.ts'
import { pauseFor, slowed } from '../support/slowed.ts'
import { gate } from './program.ts'

type Any = Record<string, unknown>

export interface Plan {
  readonly seed: number
  readonly clients: number
  readonly requests: number
}

const secret = 'a secret for the histories, longer than 32 bytes'
const slotCount = 4

/** Nanoseconds since the machine started: one clock for all its processes. */
const now = (): number => Number(process.hrtime.bigint())

/** Lets the clients loose. They share what is in the world, and engines by turns. */
async function letLoose(engines: readonly Sessions<Any>[], world: World, names: readonly string[], requests: number): Promise<void> {
  const clients = names.map((name, i) => new Client(name, engines[i % engines.length] as Sessions<Any>, world))
  const all = clients.map(async (client) => {
    for (let i = 0; i < requests; i++) {
      await client.visit(world.dice.below(slotCount))
      await world.pause()
    }
  })
  await Promise.all(all)
}

function worldOf(dice: Dice, slots: (Slot | null)[], published: World['published']): World {
  return { dice, now, pause: () => pauseFor(dice), slots, published, journal: new Journal(), faulty: false }
}

function names(plan: Plan, process: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${plan.seed}${process}${i}`)
}

/** Two engines in this process. */
async function recordHere(store: SessionStore, plan: Plan): Promise<Journal> {
  const dice = new Dice(plan.seed)
  // Half of the histories have the store as it is, which answers at once.
  const engineStore = plan.seed % 2 === 0 ? store : slowed(store, dice)
  const engines = [createSessions<Any>({ secret, store: engineStore }), createSessions<Any>({ secret, store: engineStore })]
  const world = worldOf(
    dice,
    Array.from({ length: slotCount }, () => null),
    () => {},
  )
  await letLoose(engines, world, names(plan, '-', plan.clients), plan.requests)
  return world.journal
}

/** What processes tell each other. */
type Message =
  | { readonly kind: 'go'; readonly plan: Plan }
  | { readonly kind: 'ticket'; readonly at: number; readonly slot: Slot }
  | { readonly kind: 'done'; readonly births: Journal['births']; readonly calls: Journal['calls'] }

/** One of two processes, each with half of the clients. */
function serveAsProcess(file: string, name: string): void {
  const sessions = createSessions<Any>({ secret, store: sqliteStore({ file }) })
  const tell = (message: Message): void => void process.send?.(message)
  let slots: (Slot | null)[] = []
  process.on('message', (message: Message) => {
    if (message.kind === 'ticket') slots[message.at] = message.slot
    if (message.kind === 'go') void go(message.plan)
  })
  process.on('disconnect', () => process.exit())

  async function go(plan: Plan): Promise<void> {
    slots = Array.from({ length: slotCount }, () => null)
    const dice = new Dice(plan.seed * 2 + (name === 'a' ? 0 : 1))
    const world = worldOf(dice, slots, (at, slot) => tell({ kind: 'ticket', at, slot }))
    await letLoose([sessions], world, names(plan, name, plan.clients / 2), plan.requests)
    tell({ kind: 'done', births: world.journal.births, calls: world.journal.calls })
  }
}

/** Two processes on one file, for as many histories as one likes. */
class Processes implements Place {
  readonly #folder = mkdtempSync(join(tmpdir(), 'coatcheck-histories-'))
  readonly #children: readonly ChildProcess[]

  constructor() {
    const file = join(this.#folder, 'sessions.db')
    this.#children = ['a', 'b'].map((name) => fork(import.meta.filename, ['--process', name, file], { serialization: 'advanced' }))
    for (const [i, child] of this.#children.entries()) {
      child.on('message', (message: Message) => {
        if (message.kind === 'ticket') this.#children[1 - i]?.send(message)
      })
    }
  }

  async record(plan: Plan): Promise<Journal> {
    const done = this.#children.map((child) => this.#doneBy(child))
    for (const child of this.#children) child.send({ kind: 'go', plan } satisfies Message)
    const journal = new Journal()
    for (const { births, calls } of await Promise.all(done)) {
      for (const [id, model] of births) journal.births.set(id, model)
      journal.calls.push(...calls)
    }
    return journal
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map((child) => (child.disconnect(), once(child, 'exit'))))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #doneBy(child: ChildProcess): Promise<Message & { kind: 'done' }> {
    return new Promise((resolve, reject) => {
      const failed = (code: unknown): void => reject(new Error(`a process ended by itself (${String(code)})`))
      child.once('exit', failed)
      const listen = (message: Message): void => {
        if (message.kind !== 'done') return
        child.off('message', listen)
        child.off('exit', failed)
        resolve(message)
      }
      child.on('message', listen)
    })
  }
}

/** What is wrong with the histories, in words. */
export function problemsIn({ histories }: Journal, seed: number): string[] {
  return histories.flatMap(({ born, calls }) => {
    const verdict = check(born, calls)
    return verdict.ok ? [] : [`seed ${seed}: ${explain(verdict)}`]
  })
}

/** Where histories are recorded. */
export interface Place {
  record(plan: Plan): Promise<Journal>
  close(): Promise<void>
}

export const places: readonly { readonly name: string; open(): Place }[] = [
  { name: 'memory, two engines', open: () => placeOf(memoryStore(), () => {}) },
  {
    name: 'SQLite, two engines',
    open() {
      const folder = mkdtempSync(join(tmpdir(), 'coatcheck-histories-'))
      return placeOf(sqliteStore({ file: join(folder, 'sessions.db') }), () => rmSync(folder, { recursive: true, force: true }))
    },
  },
  { name: 'SQLite, two processes', open: () => new Processes() },
]

function placeOf(store: SessionStore, remove: () => void): Place {
  return {
    record: (plan) => recordHere(store, plan),
    async close() {
      await store.close?.()
      remove()
    },
  }
}

const [as, ownName, sharedFile] = process.argv.slice(2)
if (import.meta.main && as === '--process' && ownName !== undefined && sharedFile !== undefined) serveAsProcess(sharedFile, ownName)
else {
  await gate(import.meta, { count: 200, seed: 1 }, async function* ({ count, seed, progress }) {
    for (const { name, open } of places) {
      const place = open()
      const problems: string[] = []
      let calls = 0
      let sessions = 0
      for (let i = 0; i < count; i++) {
        const journal = await place.record({ seed: seed + i, clients: 12, requests: 40 })
        problems.push(...problemsIn(journal, seed + i))
        calls += journal.calls.length
        sessions += journal.births.size
        progress(i + 1)
      }
      await place.close()
      const what = `histories of 12 clients with 40 requests each: ${name} (seeds ${seed} to ${seed + count - 1})`
      yield {
        what,
        many: `${count} histories, ${sessions} sessions, ${calls} calls`,
        zero: 'lost, doubled or revived',
        wrong: problems.length,
        problems,
      }
    }
  })
}
