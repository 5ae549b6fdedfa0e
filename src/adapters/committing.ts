import type { Outgoing, Visit } from '../http/types.ts'

/**
 * Commits, for adapters that answer with a response they have in hand. When one of several sessions cannot be stored, the error's
 * answer has to carry what the others have to tell their client, or a new secret would be lost: `tell` gets that before the error goes on.
 */
export async function commitAndTell(visit: Visit, status: number, tell: (outgoing: Outgoing) => void): Promise<void> {
  let outgoing: Outgoing
  try {
    outgoing = visit.commitAtOnce() ?? (await visit.commit(status))
  } catch (error) {
    tell(await visit.commit(500))
    throw error
  }
  tell(outgoing)
}
