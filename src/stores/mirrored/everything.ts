/** What is done to all sessions of the old store. */
import type { Clock } from '../../core/types.ts'
import { CoatcheckError } from '../../core/errors.ts'
import type { Moves } from './moves.ts'
import { look, type Side } from './place.ts'
import type { MirroredRows } from './rows.ts'

/** How far a `moveAll` is. */
export interface MoveProgress {
  /** Sessions looked at. */
  readonly seen: number
  readonly moved: number
  /** Those that could not be moved. */
  readonly left: number
}

const pageMax = 50
const attemptsMax = 4

export async function moveAllRows(
  from: Side,
  { rows, moves, clock }: { readonly rows: MirroredRows; readonly moves: Moves; readonly clock: Clock },
  progress: (progress: MoveProgress) => void,
): Promise<MoveProgress> {
  const { store } = from
  const { scan } = store
  if (scan === undefined) throw new CoatcheckError('unsupported', 'mirroredStore: `from` has no scan; wait until its sessions have expired')
  let [seen, moved, left] = [0, 0, 0]

  async function moveOne(id: string): Promise<void> {
    seen++
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const place = await look(from, id)
      if (place?.kind === 'moving') await moves.finish(from, place)
      if (place?.kind !== 'plain' || place.row.expiresAt < clock()) return
      if ((await rows.move(from, place.version, place.row, place.version)) !== null) return void moved++
    }
    left++
  }

  let cursor: string | null = null
  do {
    const page: { ids: string[]; cursor: string | null } = await scan.call(store, cursor, pageMax)
    await Promise.all(page.ids.map((id) => moveOne(id).catch(() => left++)))
    ;({ cursor } = page)
    progress({ seen, moved, left })
  } while (cursor !== null)
  return { seen, moved, left }
}
