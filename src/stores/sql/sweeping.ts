/** Rows looked at in one step: a few milliseconds in which others may have to wait for them. */
const stepRows = 500

export interface Step {
  /** Rows that were due. */
  readonly looked: number
  /** Those that had expired, and are gone. The others are filed anew. */
  readonly dropped: number
}

/** Looks at what is due, a step at a time, until nothing is or `limit` rows are dropped. */
export async function sweepInSteps(limit: number, look: (rows: number, dropMax: number) => Promise<Step>): Promise<number> {
  let dropped = 0
  while (dropped < limit) {
    const step = await look(stepRows, limit - dropped)
    dropped += step.dropped
    if (step.looked === 0) break
  }
  return dropped
}
