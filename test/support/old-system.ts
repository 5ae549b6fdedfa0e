/** A system to move in from, as small as can be: `old=<id>.good`, with its sessions in a Map. */
import type { MoveIn, OldSession } from '../../src/index.ts'

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
        if (id === undefined || proof !== 'good') return null
        return {
          identity: id,
          async load() {
            system.loads.push(id)
            if (system.down) throw new Error('connection refused')
            const values = system.rows.get(id)
            if (values === undefined) return null
            return { values, user, expiresAt, end: async () => void (system.ended.push(id), system.rows.delete(id)) }
          },
        }
      },
      ...own,
    },
  }
  return system
}
