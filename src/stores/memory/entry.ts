/** A row in memory, its place in the order of use (`older`, `newer`) and in the order of expiry (`due`, `slot`). */
export interface Entry {
  readonly id: string
  body: string
  user: string | null
  expiresAt: number
  version: string
  /** What it counts against `bytesMax`. */
  bytes: number
  /** How many came before it. */
  readonly born: number
  older: Entry | null
  newer: Entry | null
  /** Never after `expiresAt`. */
  due: number
  slot: number
}
