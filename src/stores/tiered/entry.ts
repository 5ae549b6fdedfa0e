import type { Row, StoredRow } from '../../core/types.ts'

/** What the cache holds under a session's id. Times are unix milliseconds. */
export type Entry =
  /** The durable store had this row at `at` or later. */
  | { readonly kind: 'value'; readonly at: number; readonly row: StoredRow }
  /** It had no row. */
  | { readonly kind: 'none'; readonly at: number }
  /** Nothing is known: whoever reads the durable store after having seen it may replace it. */
  | { readonly kind: 'hole' }
  /** A write is under way until `until`, and until `othersUntil` perhaps some that began before it. Nobody fills it before. */
  | { readonly kind: 'tomb'; readonly until: number; readonly othersUntil: number }

/** An entry as it was read; `null` stands for bytes that are not ours. */
export interface Seen {
  readonly entry: Entry | null
  /** The cache's own version of it. */
  readonly version: string
}

/** The first line of the body says what it is, in JSON; the rest is the body of the session's row. Nobody is named in clear. */
export function rowOfEntry(id: string, entry: Entry, expiresAt: number): Row {
  return { id, body: bodyOf(entry), user: null, expiresAt }
}

function bodyOf(entry: Entry): string {
  switch (entry.kind) {
    case 'value': {
      const { version, user, expiresAt, body } = entry.row
      return `${JSON.stringify(['value', entry.at, version, user, expiresAt])}\n${body}`
    }
    case 'none':
      return JSON.stringify(['none', entry.at])
    case 'hole':
      return JSON.stringify(['hole'])
    case 'tomb':
      return JSON.stringify(['tomb', entry.until, entry.othersUntil])
  }
}

export function seenIn(id: string, { id: found, body, version }: StoredRow): Seen {
  return { entry: found === id && typeof body === 'string' ? entryOf(id, body) : null, version }
}

function entryOf(id: string, text: string): Entry | null {
  const end = text.indexOf('\n')
  const words = wordsOf(end === -1 ? text : text.slice(0, end))
  const [kind, first, second, user, expiresAt] = words
  if (kind === 'hole') return { kind }
  if (typeof first !== 'number') return null
  if (kind === 'none') return { kind, at: first }
  if (kind === 'tomb') return typeof second === 'number' ? { kind, until: first, othersUntil: second } : null
  const whole = typeof second === 'string' && (user === null || typeof user === 'string') && typeof expiresAt === 'number'
  if (kind !== 'value' || !whole || end === -1) return null
  return { kind, at: first, row: { id, body: text.slice(end + 1), user, expiresAt, version: second } }
}

function wordsOf(line: string): unknown[] {
  try {
    const words: unknown = JSON.parse(line)
    return Array.isArray(words) ? words : []
  } catch {
    return []
  }
}
