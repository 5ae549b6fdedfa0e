/**
 * For stores whose user index is kept beside the rows: a version that also says how its row is filed there, so that a put knows
 * without looking whether it has to file the row anew.
 */
import { hash } from 'node:crypto'

export interface Filed {
  /** What the server compares. */
  readonly point: string
  /** What the store has to know of the row's entry in the index; empty while nobody is signed in. */
  readonly entry: string
  /** Whose entry it is: a `userTag`, or empty. */
  readonly tag: string
}

export function versionOf({ point, entry, tag }: Filed): string {
  return `${point}.${entry}.${tag}`
}

/** `null` for a version that is none of ours. */
export function filedOf(version: string): Filed | null {
  const [point, entry, tag, ...more] = version.split('.')
  return point === undefined || point === '' || entry === undefined || tag === undefined || more.length > 0 ? null : { point, entry, tag }
}

/** A user as a piece of a key: any bytes, of any length, in 22 url-safe characters; empty for nobody. */
export function userTag(user: string | null): string {
  return user === null ? '' : hash('sha256', user, 'base64url').slice(0, 22)
}

/** Somebody else's bytes under our key, as a row that the engine refuses and no put replaces. */
export function foreignRow(id: string): { id: string; body: string; user: null; expiresAt: number; version: string } {
  return { id, body: '?', user: null, expiresAt: 0, version: '' }
}
