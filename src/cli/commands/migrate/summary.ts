/** What a move has come to, in sentences. */
import type { MoveInWhy } from '../../../index.ts'
import type { Io } from '../../io.ts'
import { amount, counted, duration, styled } from '../../text.ts'
import type { Walked } from './walk.ts'

/** What stands behind a count of sessions. */
const whyWords: Readonly<Partial<Record<MoveInWhy, string>>> = {
  unreadable: 'hold nothing that the reader can read as a session',
  strange_id: "have an id that none of the old system's cookies would name; does the application have ids of its own?",
  unwanted: '`map` does not want',
  map_failed: '`map` failed with; it threw an error',
  session_too_large: 'are over the `limits` of a session',
  value_invalid: 'hold a value that cannot be kept, or a user that is none',
  schema_invalid: 'do not satisfy `schema`',
  too_many_sessions: 'have a user who has `maxPerUser` sessions already',
}

export interface Story {
  readonly walked: Walked
  readonly from: string
  readonly to: string
  readonly dryRun: boolean
  readonly report: string | null
  readonly spentMs: number
}

export function summaryOf({ walked, from, to, dryRun, report, spentMs }: Story, { stdout, env }: Io): string {
  const { moved, known, ended, refused, whys } = walked
  const head = dryRun
    ? `Dry run: ${counted(moved, 'session')} of ${from} would move to ${to}. Nothing was written.`
    : `${counted(moved, 'session')} of ${from} moved to ${to}, in ${duration(spentMs)}.`
  const lines = [styled(refused > 0 ? 'yellow' : 'green', head, stdout, env)]
  if (known > 0) lines.push(`${amount(known)} had moved before.`)
  if (ended > 0) lines.push(`${amount(ended)} had ended already, in the old store.`)
  if (refused > 0) {
    lines.push(`${counted(refused, 'session was', 'sessions were')} ${dryRun ? 'not fit to move' : 'refused'}:`)
    const reasons = Object.entries(whys).toSorted(([, a], [, b]) => b - a)
    const width = Math.max(...reasons.map(([, count]) => amount(count).length))
    for (const [why, count] of reasons)
      lines.push(`  ${amount(count).padStart(width)}  ${whyWords[why as MoveInWhy] ?? 'failed with'} (${why})`)
    lines.push(report === null ? 'Add --report refused.jsonl to see which.' : `Which, by the SHA-256 of their ids: ${report}`)
  }
  return `${lines.join('\n')}\n`
}
