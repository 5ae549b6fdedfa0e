/** What two stores answer together, where both can. */
import type { SessionStore } from '../../core/types.ts'
import { idsHere, type Side } from './place.ts'

type Scan = NonNullable<SessionStore['scan']>
type Sweep = NonNullable<SessionStore['sweep']>

export function togetherOf(from: Side, to: Side): Pick<SessionStore, 'idsOf' | 'scan' | 'sweep'> {
  const together: Pick<SessionStore, 'idsOf' | 'scan' | 'sweep'> = {}
  const [mine, theirs] = [from.store.idsOf, to.store.idsOf]
  if (mine !== undefined && theirs !== undefined) {
    // Not at once, and the new store last: a session that moves meanwhile would be in neither answer.
    together.idsOf = async (user) => [...new Set([...(await mine.call(from.store, user)), ...(await theirs.call(to.store, user))])]
  }
  if (from.store.scan !== undefined && to.store.scan !== undefined) together.scan = (cursor, limit) => page([from, to], cursor, limit)
  const sweeps = [from, to].flatMap(({ store }) => store.sweep?.bind(store) ?? [])
  if (sweeps.length > 0) together.sweep = sweepBoth(sweeps)
  return together
}

/** First the ids of the old store, then those of the new one; a session that moves meanwhile may be named twice. */
async function page([from, to]: readonly [Side, Side], cursor: string | null, limit: number): ReturnType<Scan> {
  const isFirst = cursor === null || cursor.startsWith('1')
  const side = isFirst ? from : to
  const own = cursor === null || cursor.length === 1 ? null : cursor.slice(1)
  const found = (await side.store.scan?.(own, limit)) ?? { ids: [], cursor: null }
  const ids = await idsHere(side, found.ids)
  if (found.cursor !== null) return { ids, cursor: `${isFirst ? 1 : 2}${found.cursor}` }
  return { ids, cursor: isFirst ? '2' : null }
}

function sweepBoth(sweeps: readonly Sweep[]): Sweep {
  return async (now, limit) => {
    let dropped = 0
    for (const sweep of sweeps) if (dropped < limit) dropped += await sweep(now, limit - dropped)
    return dropped
  }
}
