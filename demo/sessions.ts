import { join } from 'node:path'
import { createSessions, type Sessions, type SessionStore } from 'coatcheck'
import { memoryStore } from 'coatcheck/memory'
import { sqliteStore } from 'coatcheck/sqlite'

/** What the demo needs of coatcheck: its sessions, and the stores the page looks into to show their rows. */
export interface Cloakroom {
  readonly sessions: Sessions
  readonly storeOf: Readonly<Record<string, SessionStore>>
}

/** Every session of the demo, each by its name: `getSession(req, 'cart')`. */
export function createCloakroom(dataFolder: string, secret: string): Cloakroom {
  const sqlite = sqliteStore({ file: join(dataFolder, 'sessions.db') })
  const memory = memoryStore()
  const sessions = createSessions({
    secret,
    // The demo speaks plain HTTP, where Safari keeps no Secure cookie. Without this line you get Secure and __Host-.
    cookie: { secure: false },
    stores: {
      // The same page in three places.
      cookie: { carrier: 'sealed', irrevocable: true },
      memory,
      sqlite,
      // Small in the cookie, large in the store.
      cart: { carrier: 'spill', store: sqlite },
      // Who is signed in: for a week of not coming back, at most a month, and not only until the browser closes.
      auth: { store: sqlite, lifetime: { idle: '7d', absolute: '30d', persistent: true } },
      // Which of the three places is on show; nothing anybody would want to revoke.
      prefs: { carrier: 'sealed', irrevocable: true, lifetime: { idle: '30d', absolute: '30d', persistent: true } },
      // Flash messages, apart from the rest, so that the one about the end of a session outlives it.
      notes: sqlite,
    },
  })
  return { sessions, storeOf: { memory, sqlite, cart: sqlite } }
}
