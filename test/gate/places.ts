/** Where histories are recorded: through two engines in this process, or in two processes, on one store. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createSessions, type Sessions, type SessionStore } from '../../src/index.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { profileNamed } from '../stores/profiles/index.ts'
import { Client } from '../support/history.ts'
import { Journal, type Slot, type World } from '../support/journal.ts'
import { Dice } from '../support/random.ts'
import { pauseFor, slowed } from '../support/slowed.ts'

type Any = Record<string, unknown>

export interface Plan {
  readonly seed: number
  readonly clients: number
  readonly requests: number
  /** Whether store calls may fail, and nobody is to mind. */
  readonly faulty?: boolean
}

export interface Place {
  record(plan: Plan): Promise<Journal>
  close(): Promise<void>
}

/** A store that another process can open too. */
export type Where =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'profile'; readonly name: string; readonly urls: readonly string[] }

const secret = 'a secret for the histories, longer than 32 bytes'
const slotCount = 4

/** Nanoseconds since the machine started: one clock for all its processes. */
const now = (): number => Number(process.hrtime.bigint())

/** Lets the clients loose. They share what is in the world, and engines by turns. */
async function letLoose(engines: readonly Sessions<Any>[], world: World, clientNames: readonly string[], requests: number): Promise<void> {
  const clients = clientNames.map((name, i) => new Client(name, engines[i % engines.length] as Sessions<Any>, world))
  const all = clients.map(async (client) => {
    for (let i = 0; i < requests; i++) {
      await client.visit(world.dice.below(slotCount))
      await world.pause()
    }
  })
  await Promise.all(all)
}

const noSlots = (): (Slot | null)[] => Array.from({ length: slotCount }, () => null)

function worldOf(plan: Plan, dice: Dice, slots: (Slot | null)[], published: World['published']): World {
  return { dice, now, pause: () => pauseFor(dice), slots, published, journal: new Journal(), faulty: plan.faulty === true }
}

function namesOf(plan: Plan, process: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${plan.seed}${process}${i}`)
}

/** Two engines in this process. Half of the histories have the store as it is, the other half a slow one. */
export function twoEngines(store: SessionStore, remove: () => void = () => {}): Place {
  return {
    async record(plan) {
      const dice = new Dice(plan.seed)
      const engineStore = plan.seed % 2 === 0 ? store : slowed(store, dice)
      const engines = [createSessions<Any>({ secret, store: engineStore }), createSessions<Any>({ secret, store: engineStore })]
      const world = worldOf(plan, dice, noSlots(), () => {})
      await letLoose(engines, world, namesOf(plan, '-', plan.clients), plan.requests)
      return world.journal
    },
    async close() {
      await store.close?.()
      remove()
    },
  }
}

/** What processes tell each other. */
type Message =
  | { readonly kind: 'go'; readonly plan: Plan }
  | { readonly kind: 'ticket'; readonly at: number; readonly slot: Slot }
  | { readonly kind: 'done'; readonly births: Journal['births']; readonly calls: Journal['calls'] }

/** Two processes, for as many histories as one likes. `remove` is called at the end. */
export function twoProcesses(where: Where, remove: () => void = () => {}): Place {
  const children = ['a', 'b'].map((name) => fork(import.meta.filename, [name, JSON.stringify(where)], { serialization: 'advanced' }))
  for (const [i, child] of children.entries()) {
    child.on('message', (message: Message) => {
      if (message.kind === 'ticket') children[1 - i]?.send(message)
    })
  }
  return {
    async record(plan) {
      const done = children.map(doneBy)
      for (const child of children) child.send({ kind: 'go', plan } satisfies Message)
      const journal = new Journal()
      for (const { births, calls } of await Promise.all(done)) {
        for (const [id, model] of births) journal.births.set(id, model)
        journal.calls.push(...calls)
      }
      return journal
    },
    async close() {
      await Promise.all(children.map((child) => (child.disconnect(), once(child, 'exit'))))
      remove()
    },
  }
}

function doneBy(child: ChildProcess): Promise<Message & { kind: 'done' }> {
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

async function open(where: Where): Promise<SessionStore> {
  if (where.kind === 'sqlite') return sqliteStore({ file: where.file })
  return (await profileNamed(where.name).open(where.urls)).store
}

/** One of two processes, each with half of the clients. */
async function serve(name: string, where: Where): Promise<void> {
  const opening = open(where)
  let slots = noSlots()
  const tell = (message: Message): void => void process.send?.(message)
  process.on('message', (message: Message) => {
    if (message.kind === 'ticket') slots[message.at] = message.slot
    if (message.kind === 'go') void go(message.plan)
  })
  process.on('disconnect', () => process.exit())

  async function go(plan: Plan): Promise<void> {
    slots = noSlots()
    // What never answers is given up soon; an emulator that is slow under load is waited for.
    const storeDeadline = plan.faulty === true ? '1s' : '30s'
    const sessions = createSessions<Any>({ secret, store: await opening, storeDeadline })
    const dice = new Dice(plan.seed * 2 + (name === 'a' ? 0 : 1))
    const world = worldOf(plan, dice, slots, (at, slot) => tell({ kind: 'ticket', at, slot }))
    await letLoose([sessions], world, namesOf(plan, name, plan.clients / 2), plan.requests)
    tell({ kind: 'done', births: world.journal.births, calls: world.journal.calls })
  }
}

const [name, where] = process.argv.slice(2)
if (import.meta.main && name !== undefined && where !== undefined) await serve(name, JSON.parse(where) as Where)
