/** A system to move in from, as small as can be: `old=<id>.good`, with its sessions in a Map. */
import type { MoveIn, OldSession, OldTicket } from '../../src/index.ts'

export interface OldSystem {
  readonly reader: MoveIn
  /** What it holds, by id. */
  readonly rows: Map<string, OldSession['values']>
  readonly loads: string[]
  readonly ended: string[]
  down: boolean
}

export function oldSystem(options: Partial<MoveIn> & { user?: string; expiresAt?: number | null } = {}): OldSystem {
  const { user = null, expiresAt = null, ...own } = options
  const ticketOf = (id: string): OldTicket => ({
    identity: id,
    async load() {
      system.loads.push(id)
      if (system.down) throw new Error('connection refused')
      const values = system.rows.get(id)
      if (values === undefined) return null
      return { values, user, expiresAt, end: async () => void (system.ended.push(id), system.rows.delete(id)) }
    },
  })
  const system: OldSystem = {
    rows: new Map([['a', { n: 1, cart: ['hat'] }]]),
    loads: [],
    ended: [],
    down: false,
    reader: {
      system: 'old',
      cookieName: 'old',
      sunsetAt: null,
      keepOld: false,
      cookiePath: '/',
      cookieDomain: null,
      verify(cookies) {
        const [id, proof] = cookies.all('old')[0]?.split('.') ?? []
        return id === undefined || proof !== 'good' ? null : ticketOf(id)
      },
      async walk(cursor, limit) {
        const ids = [...system.rows.keys()]
        const start = Number(cursor ?? 0)
        const next = start + limit < ids.length ? String(start + limit) : null
        return { tickets: ids.slice(start, start + limit).map(ticketOf), cursor: next }
      },
      count: async () => system.rows.size,
      ...own,
    },
  }
  return system
}
