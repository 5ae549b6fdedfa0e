/** Page after page, each saved before the next is begun. */
import type { MoveInPage, MoveInPageOptions } from '../../../index.ts'
import type { Progress } from './progress.ts'
import type { Report } from './report.ts'
import type { Standing, Tally } from './state.ts'

export interface Walk {
  page(options: MoveInPageOptions): Promise<MoveInPage>
  /** Where an earlier run has stopped. */
  readonly from: Standing | null
  readonly limit: number
  readonly dryRun: boolean
  readonly report: Report
  readonly progress: Progress
  /** Keeps how far it has come. */
  save(standing: Standing): void
  stopped(): boolean
}

export interface Walked extends Tally {
  /** Whether that was all. */
  readonly finished: boolean
}

export const nothing: Tally = { moved: 0, known: 0, ended: 0, refused: 0, whys: {} }

/** Moves until the old store has no more, or somebody wants it to stop; then the page under way is finished. */
export async function walkAll({ page, from, limit, dryRun, report, progress, save, stopped }: Walk): Promise<Walked> {
  let cursor = from?.cursor ?? null
  let total = from?.total ?? null
  let tally: Tally = from ?? nothing
  while (!stopped()) {
    const done = await page({ cursor, limit, dryRun })
    tally = added(tally, done)
    total = done.total ?? total
    report.add(done.refusals)
    progress.show(tally, total)
    if (done.cursor === null) return { ...only(tally), finished: true }
    if (done.cursor === cursor) throw new Error('its reader answers the same page again and again; that is a fault of the reader')
    cursor = done.cursor
    if (!dryRun) save({ ...only(tally), cursor, total, reportBytes: report.bytes })
  }
  return { ...only(tally), finished: false }
}

function added(tally: Tally, { moved, known, refusals }: MoveInPage): Tally {
  const whys: Record<string, number> = { ...tally.whys }
  const refused = refusals.filter(({ why }) => why !== 'over')
  for (const { why } of refused) whys[why] = (whys[why] ?? 0) + 1
  return {
    moved: tally.moved + moved,
    known: tally.known + known,
    ended: tally.ended + refusals.length - refused.length,
    refused: tally.refused + refused.length,
    whys,
  }
}

function only({ moved, known, ended, refused, whys }: Tally): Tally {
  return { moved, known, ended, refused, whys }
}
