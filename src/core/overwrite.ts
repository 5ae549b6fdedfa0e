import { CoatcheckError } from './errors.ts'
import type { Row, SessionStore } from './types.ts'

const attemptsMax = 64

/** Puts a row in the place of whatever stands there. `purpose`, for the error of who never gets his turn: what that would have been for. */
export async function overwrite(store: SessionStore, row: Row, purpose: string): Promise<void> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const found = await store.get(row.id)
    if ((await store.put(row, found?.version ?? null)) !== null) return
  }
  throw new CoatcheckError('store_unavailable', `other processes won every one of ${attemptsMax} attempts to ${purpose}`)
}
