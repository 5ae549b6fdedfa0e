/**
 * Decides, from a seed, what happens next: which store call arrives, which answer comes back, when a request begins, when time
 * passes. Nothing else moves, so a seed brings a schedule back, and a schedule in which nothing can move any more is a hang.
 */
import type { SessionStore, Timers } from '../../src/index.ts'
import type { Dice } from './random.ts'

/** What may befall a store call, with its probability. */
export interface Faults {
  /** It fails before it does anything. */
  readonly refused: number
  /** It does its work, and then the connection breaks. */
  readonly broken: number
  /** It never arrives and is never answered. */
  readonly swallowed: number
  /** It does its work, and no answer ever comes. */
  readonly unanswered: number
}

export const noFaults: Faults = { refused: 0, broken: 0, swallowed: 0, unanswered: 0 }

/** Which of the ways to read a store has: the engine uses the last of these that there is. */
export type Reading = 'get' | 'getMany' | 'getNow'

const operations = ['get', 'put', 'delete', 'touch', 'idsOf'] as const
/** Timers that may ring in a row, with nothing else to do, before it is called a hang: deadlines ring a few times per call. */
const idleRingsMax = 200

interface Alarm {
  readonly at: number
  readonly run: () => void
}

export class Scheduler {
  readonly #dice: Dice
  readonly #steps: (() => void)[] = []
  readonly #alarms = new Set<Alarm>()
  #running = 0
  #nowMs = 1_800_000_000_000
  #moves = 0
  /** How likely the clock rings the next alarm although there is something else to do. */
  readonly hurry: number

  constructor(dice: Dice, hurry: number) {
    this.#dice = dice
    this.hurry = hurry
  }

  readonly clock = (): number => this.#nowMs

  readonly timers: Timers = {
    set: (run, delayMs) => {
      const alarm = { at: this.#nowMs + delayMs, run }
      this.#alarms.add(alarm)
      return alarm
    },
    clear: (alarm) => void this.#alarms.delete(alarm as Alarm),
  }

  /** How far the schedule is: a time for histories, later than all moments before. */
  moment(): number {
    return ++this.#moves
  }

  /** Lets time pass without ringing what falls due meanwhile: it rings when chosen. */
  pass(ms: number): void {
    this.#nowMs += ms
  }

  /** Waits to be chosen. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.#steps.push(resolve))
  }

  /** Something that has to come to its end. */
  begin(run: () => Promise<void>): Promise<void> {
    this.#running++
    const ended = (): void => void this.#running--
    const running = this.turn().then(run)
    running.then(ended, ended)
    return running
  }

  /** Runs until all that was begun has ended and every call has arrived. Throws when nothing can move. */
  async run(): Promise<void> {
    let rings = 0
    for (;;) {
      // Reads are gathered for one turn of the event loop.
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
      if (this.#steps.length > 0 && !(this.#alarms.size > 0 && this.#dice.chance(this.hurry))) {
        rings = 0
        const [step] = this.#steps.splice(this.#dice.below(this.#steps.length), 1)
        step?.()
      } else if (this.#steps.length === 0 && this.#running === 0) {
        return
      } else if (this.#alarms.size === 0 || ++rings > idleRingsMax) {
        throw new Error(`a hang: ${this.#running} requests wait for something that never comes`)
      } else {
        this.#ring()
      }
    }
  }

  /** The store, with every call waiting twice: before it arrives and before its answer does. */
  store(inner: SessionStore, faults: Faults, reading: Reading): SessionStore {
    const wrapped: Record<string, unknown> = { guarantees: inner.guarantees }
    const getMany = (ids: readonly string[]): Promise<unknown> => Promise.all(ids.map((id) => inner.get(id)))
    if (reading === 'getMany') wrapped['getMany'] = (ids: readonly string[]) => this.#call(() => getMany(ids), this.#fate(faults))
    if (reading === 'getNow') wrapped['getNow'] = inner.getNow
    for (const operation of operations) {
      const call = inner[operation] as ((...args: unknown[]) => Promise<unknown>) | undefined
      if (call !== undefined) wrapped[operation] = (...args: unknown[]) => this.#call(() => call.apply(inner, args), this.#fate(faults))
    }
    return wrapped as unknown as SessionStore
  }

  async #call(call: () => Promise<unknown>, fate: keyof Faults | 'fine'): Promise<unknown> {
    await this.turn()
    if (fate === 'refused') throw new Error('connection refused')
    if (fate === 'swallowed') return new Promise(() => {})
    const answer = await call()
    await this.turn()
    if (fate === 'broken') throw new Error('connection reset')
    return fate === 'unanswered' ? new Promise(() => {}) : answer
  }

  #fate(faults: Faults): keyof Faults | 'fine' {
    let left = this.#dice.next()
    for (const [fate, probability] of Object.entries(faults) as [keyof Faults, number][]) if ((left -= probability) < 0) return fate
    return 'fine'
  }

  #ring(): void {
    const [first] = [...this.#alarms].toSorted((a, b) => a.at - b.at)
    if (first === undefined) return
    this.#alarms.delete(first)
    this.#nowMs = Math.max(this.#nowMs, first.at)
    first.run()
  }
}
