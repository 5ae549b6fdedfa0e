// What all examples share: one createSessions for the whole application.
import { createSessions } from 'coatcheck'
import { memoryStore } from 'coatcheck/memory'

export interface Visitor {
  visits: number
}

export const sessions = createSessions<Visitor>({
  secret: process.env['SESSION_SECRET'] ?? crypto.randomUUID(),
  store: memoryStore(),
  // Plain http on localhost: Safari keeps no Secure cookie there. Leave this line out of yours.
  cookie: { secure: false },
})

export const port = Number(process.env['PORT'] ?? 0)
