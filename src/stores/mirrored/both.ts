/** What two stores answer together, where both can. */
import type { SessionStore } from '../../core/types.ts'

type Scan = NonNullable<SessionStore['scan']>
type Sweep = NonNullable<SessionStore['sweep']>

export function togetherOf(from: SessionStore, to: SessionStore): Pick<SessionStore, 'idsOf' | 'scan' | 'sweep'> {
  const together: Pick<SessionStore, 'idsOf' | 'scan' | 'sweep'> = {}
  const [mine, theirs] = [from.idsOf, to.idsOf]
  if (mine !== undefined && theirs !== undefined) {
    // A session that moves from one answer into the other between them would be in neither: so not at once, and the new store last.
    together.idsOf = async (user) => [...new Set([...(await mine.call(from, user)), ...(await theirs.call(to, user))])]
  }
  if (from.scan !== undefined && to.scan !== undefined) together.scan = scanBoth(from.scan.bind(from), to.scan.bind(to))
  const sweeps = [from, to].flatMap((store) => store.sweep?.bind(store) ?? [])
  if (sweeps.length > 0) together.sweep = sweepBoth(sweeps)
  return together
}

/** First all ids of one, then all of the other; one that is in both is named twice. */
function scanBoth(first: Scan, second: Scan): Scan {
  return async (cursor, limit) => {
    const [which, own] = cursor === null ? ['1', null] : [cursor[0], cursor.slice(1) === '' ? null : cursor.slice(1)]
    const page = await (which === '1' ? first : second)(own, limit)
    if (page.cursor !== null) return { ids: page.ids, cursor: `${which}${page.cursor}` }
    return { ids: page.ids, cursor: which === '1' ? '2' : null }
  }
}

function sweepBoth(sweeps: readonly Sweep[]): Sweep {
  return async (now, limit) => {
    let dropped = 0
    for (const sweep of sweeps) if (dropped < limit) dropped += await sweep(now, limit - dropped)
    return dropped
  }
}
