import type { Optional, Place } from './place.ts'

/** One thing a store must do. */
export interface Rule {
  readonly name: string
  /** What it is about, when a store may lack that. */
  readonly needs?: readonly Optional[]
  /** A race: a store that lacks the rule may still pass by luck. */
  readonly luck?: boolean
  check(place: Place): Promise<void>
}
