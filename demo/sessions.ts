import { join } from 'node:path'
import { createSessions, type Sessions, type SessionStore } from 'coatcheck'
import { memoryStore } from 'coatcheck/memory'
import { sqliteStore } from 'coatcheck/sqlite'
import { pegFor, pegs } from './pegs.ts'
import type { Backend, Peg } from './view.ts'

/** What the demo needs of coatcheck: its sessions, and the stores the page looks into to show their rows. */
export interface Cloakroom {
  readonly sessions: Sessions
  readonly storeOf: Readonly<Record<string, SessionStore>>
  readonly pegs: readonly Peg[]
  /** Where a visitor who has chosen nothing hangs his things. */
  readonly usual: Backend
}

/** A store that somebody named by its address. */
export interface NamedStore {
  readonly store: SessionStore
  readonly url: string
}

/** Every session of the demo, each by its name: `getSession(req, 'cart')`. */
export function createCloakroom(dataFolder: string, secret: string, named: NamedStore | null): Cloakroom {
  const sqlite = sqliteStore({ file: join(dataFolder, 'sessions.db') })
  const memory = memoryStore()
  const main = named?.store ?? sqlite
  // A store without an index of users cannot list devices; one that may drop rows cannot keep a cart that was in a cookie before.
  const auth = main.guarantees.userIndex ? main : sqlite
  const cart = main.guarantees.mayEvict ? sqlite : main
  const sessions = createSessions({
    secret,
    // The demo speaks plain HTTP, where Safari keeps no Secure cookie. Without this line you get Secure and __Host-.
    cookie: { secure: false },
    stores: {
      // The same page in three places, or four.
      cookie: { carrier: 'sealed', irrevocable: true },
      memory,
      sqlite,
      ...(named === null ? {} : { store: named.store }),
      // Small in the cookie, large in the store.
      cart: { carrier: 'spill', store: cart },
      // Who is signed in: for a week of not coming back, at most a month, and not only until the browser closes.
      auth: { store: auth, lifetime: { idle: '7d', absolute: '30d', persistent: true } },
      // Which of the places is on show; nothing anybody would want to revoke.
      prefs: { carrier: 'sealed', irrevocable: true, lifetime: { idle: '30d', absolute: '30d', persistent: true } },
      // Flash messages, apart from the rest, so that the one about the end of a session outlives it.
      notes: main,
    },
  })
  return {
    sessions,
    storeOf: { memory, sqlite, cart, ...(named === null ? {} : { store: named.store }) },
    pegs: named === null ? pegs : [...pegs, pegFor(named.url)],
    usual: named === null ? 'sqlite' : 'store',
  }
}
