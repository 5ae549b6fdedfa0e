/** How each kind of store is opened from its address. */
import type { SessionStore } from '../../core/types.ts'
import { invalid } from '../common/options.ts'
import { openDocument } from './documents.ts'
import { openKeyValue } from './key-value.ts'
import { unreadable } from './parts.ts'
import { openSql } from './sql.ts'

interface OpenContext {
  readonly migrate: boolean
  /** Opens the stores within a store. */
  open(url: string): Promise<SessionStore>
}

export type Opener = (url: string, context: OpenContext) => Promise<SessionStore>

const openMemory: Opener = async () => (await import('../memory.ts')).memoryStore()

const openSqlite: Opener = async (url) => {
  const { sqliteStore } = await import('../sqlite.ts')
  return sqliteStore({ file: decoded(url) })
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url.slice('sqlite:'.length))
  } catch {
    throw unreadable(url)
  }
}

const openTiered: Opener = async (url, { open }) => {
  const [cache, durable] = await both(url, open)
  const { tieredStore } = await import('../tiered.ts')
  return tieredStore({ cache, durable })
}

const openMirrored: Opener = async (url, { open }) => {
  const [from, to] = await both(url, open)
  const { mirroredStore } = await import('../mirrored.ts')
  return mirroredStore({ from, to })
}

/** `scheme:<one>+<other>`. A `+` that begins no store belongs to the address it is in, as in `mongodb+srv:`. */
async function both(url: string, open: OpenContext['open']): Promise<[SessionStore, SessionStore]> {
  const scheme = url.slice(0, url.indexOf(':'))
  const [one, other, ...more] = url.slice(scheme.length + 1).split(beforeStore)
  if (!one || !other || more.length > 0)
    throw invalid(`${scheme}: takes two addresses joined by +, such as ${scheme}:memory:+sqlite:sessions.db`)
  const first = await open(one)
  try {
    return [first, await open(other)]
  } catch (error) {
    await first.close?.()
    throw error
  }
}

export const openers: Readonly<Record<string, Opener>> = {
  memory: openMemory,
  sqlite: openSqlite,
  ...openKeyValue,
  ...openSql,
  ...openDocument,
  tiered: openTiered,
  mirrored: openMirrored,
}

const schemes = Object.keys(openers).map((scheme) => scheme.replace('+', String.raw`\+`))
const beforeStore = new RegExp(String.raw`\+(?=(?:${schemes.join('|')}):)`)
