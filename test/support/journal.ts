/** What clients share while they make a history, and what they write down. */
import type { Call } from './checker.ts'
import type { Model } from './model.ts'
import type { Dice } from './random.ts'

/** Where a session's ticket lies for all clients that are tabs of one browser. */
export interface Slot {
  readonly id: string
  readonly ticket: string
}

/** Everything that was done to one session, from its creation on. */
export interface History {
  readonly id: string
  readonly born: Model
  readonly calls: readonly Call[]
}

/** What clients write down. Those of several processes are put together afterwards. */
export class Journal {
  readonly births = new Map<string, Model>()
  readonly calls: (readonly [id: string, call: Call])[] = []

  get histories(): History[] {
    const byId = Map.groupBy(this.calls, ([id]) => id)
    return Array.from(this.births, ([id, model]) => ({ id, born: model, calls: (byId.get(id) ?? []).map(([, call]) => call) }))
  }
}

export interface World {
  readonly dice: Dice
  /** A moment, on a clock that all clients share. */
  now(): number
  /** Lets others go first, for a while. */
  pause(): Promise<void>
  readonly slots: (Slot | null)[]
  /** Told of each new ticket in a slot. */
  published(at: number, slot: Slot): void
  readonly journal: Journal
  /** Store calls may fail, so a visit that throws is part of the game. */
  readonly faulty: boolean
}
