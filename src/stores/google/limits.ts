/** What a row of Google's may be: https://cloud.google.com/datastore/docs/concepts/limits, https://cloud.google.com/firestore/quotas */
import { CoatcheckError } from '../../core/errors.ts'
import type { Row } from '../../core/types.ts'
import { tooLarge } from '../common/errors.ts'

/** 1 MiB less what the key, the names and the other columns may take; for an entity and for a document alike. */
const rowBytesMax = 1_048_000
/** Longer texts Firestore cuts for its index, and asks nobody about: it might take one user for another. */
const userBytesMax = 1_499
/** Timestamps go from year 1 to 9999. */
const [earliest, latest] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')]

/** Whether a row can have this user. */
export function isIndexable(user: string): boolean {
  return user.isWellFormed() && Buffer.byteLength(user) <= userBytesMax
}

/** Why the server would not keep a row as it is, or `null`. */
export function fault(store: string, { id, body, user, expiresAt }: Row): CoatcheckError | null {
  if (!/^[\w-]{1,200}$/.test(id)) return refused('an id must be of letters, digits, - and _')
  if (!body.isWellFormed() || user?.isWellFormed() === false) return refused('body and user must be well-formed text')
  if (user !== null && !isIndexable(user)) return refused(`a user may take ${userBytesMax} bytes here`)
  if (!Number.isSafeInteger(expiresAt) || expiresAt < earliest || expiresAt > latest) {
    return refused('expiresAt must be whole unix milliseconds before the year 10000')
  }
  const bytes = Buffer.byteLength(body) + Buffer.byteLength(user ?? '')
  return bytes > rowBytesMax ? tooLarge(store, bytes, rowBytesMax) : null
}

function refused(sentence: string): CoatcheckError {
  return new CoatcheckError('value_invalid', sentence)
}
