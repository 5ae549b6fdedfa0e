import type { MoveInWhy, OldSession, OldTicket } from '../../http/move-in.ts'
import { strangeId } from '../common/ids.ts'
import type { System } from '../common/reader.ts'
import type { OldSessions } from './stores.ts'

/** Reads one session. `endsAt`: when its store drops it, where that is known. */
export type LoadStored = (
  id: string,
  nowMs: number,
  because?: (why: MoveInWhy) => void,
  endsAt?: number | null,
) => Promise<OldSession | null>

/** All sessions of a store, for moving them in bulk; nothing for a store that cannot name them. */
export function walkOf(
  { all }: Pick<OldSessions, 'all'>,
  isId: (text: string) => boolean,
  load: LoadStored,
): Pick<System, 'walk' | 'count'> {
  if (all === undefined) return {}
  return {
    async walk(from, limit) {
      const nowMs = Date.now()
      const { found, cursor } = await all.page(from, limit, nowMs)
      const tickets = found.map(({ id, endsAt }): OldTicket => {
        const read: OldTicket['load'] = (because) => load(id, Date.now(), because, endsAt)
        return { identity: id, load: isId(id) ? read : strangeId }
      })
      return { tickets, cursor }
    },
    count: all.count,
  }
}
