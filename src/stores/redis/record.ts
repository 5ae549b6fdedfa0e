import type { Row, StoredRow } from '../../core/types.ts'

/** Digits of a time in a record: fixed, so that `touch` can write over them. */
const timeDigits = 15

/** A row as one string: the version, two times and the user in a line of their own, then the body. */
export function recordOf({ body, user, expiresAt }: Row, version: string, dueAt: number): string {
  return `${version} ${digits(expiresAt)} ${digits(dueAt)} ${userText(user)}\n${body}`
}

/** The row of a string; `null` when the string is not a record of ours. */
export function rowOf(id: string, record: string): StoredRow | null {
  const lineEnd = record.indexOf('\n')
  const versionEnd = record.indexOf(' ')
  const timesEnd = versionEnd + 2 * (timeDigits + 1)
  if (versionEnd < 1 || lineEnd < timesEnd || record[timesEnd] !== ' ') return null
  const expiresAt = Number(record.slice(versionEnd + 1, versionEnd + 1 + timeDigits))
  const user = readUser(record.slice(timesEnd + 1, lineEnd))
  if (!Number.isSafeInteger(expiresAt) || user === undefined) return null
  return { id, body: record.slice(lineEnd + 1), user, expiresAt, version: record.slice(0, versionEnd) }
}

/** The user of a record of which only the beginning is known; `undefined` when it is not a record of ours, or is cut within the user. */
export function ownerOf(beginning: string): string | null | undefined {
  return rowOf('', beginning)?.user
}

export function digits(time: number): string {
  return String(Math.max(0, Math.ceil(time))).padStart(timeDigits, '0')
}

export function userText(user: string | null): string {
  return user === null ? '-' : JSON.stringify(user)
}

/** The user that a script has answered, if it is one. */
export function userOf(answer: string): string | null {
  return readUser(answer) ?? null
}

function readUser(text: string): string | null | undefined {
  if (text === '-') return null
  try {
    const user: unknown = JSON.parse(text)
    return typeof user === 'string' ? user : undefined
  } catch {
    return undefined
  }
}
