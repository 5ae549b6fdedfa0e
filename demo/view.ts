/** What the page shows, as plain values: the routes fill it in, the pages draw it. */

/** Where the page hangs its data; also the name of the session and of its entry in `stores`. */
export type Backend = 'cookie' | 'memory' | 'sqlite' | 'store'

/** One place on the page's switch. */
export interface Peg {
  readonly on: Backend
  /** As on a button: `In SQLite`. */
  readonly name: string
  /** What to know of it. */
  readonly is: string
  /** Within a sentence: hung in `SQLite`. */
  readonly within: string
}

export interface Flash {
  readonly message: string
}

/** Both halves of one session: what the browser sent and what the store has. */
export interface Halves {
  readonly cookieName: string
  /** The cookie's value, or `null` when the browser sent none. */
  readonly token: string | null
  readonly row: {
    readonly id: string
    readonly user: string | null
    readonly expiresAt: number
    readonly version: string
    readonly body: string
  } | null
}

export interface Variable {
  readonly name: string
  readonly value: unknown
}

export interface Cart {
  readonly items: readonly string[]
  /** Whether the session has moved from the cookie to the store. */
  readonly spilled: boolean
  /** Size of the cookie, name included; 0 without one. */
  readonly cookieBytes: number
}

export interface Device {
  readonly id: string
  readonly label: string
  readonly signedInAt: number
  readonly lastUsedAt: number
  readonly isThis: boolean
}

export interface View {
  readonly nowMs: number
  readonly on: Backend
  readonly pegs: readonly Peg[]
  readonly halves: Halves
  readonly flashes: readonly Flash[]
  readonly variables: readonly Variable[]
  readonly cart: Cart
  readonly user: string | null
  readonly devices: readonly Device[]
}
