/**
 * Compare-and-swap on a server that lets a write through only under its own mark of what is replaced: the version of an entity,
 * the update time of a document.
 *
 * A client repeats a call whose answer was lost, and then what it wrote is in its own way. Others may have written over it by then: so a
 * version names the ones before it too, and who finds its own among them has won.
 *
 * A touch moves that mark, and must not move the version the engine holds; so a row carries a version of ours, and the mark under which
 * it was seen last is remembered. The memory is no more than a guess: the server checks every mark, and a wrong one costs a read.
 */
import { CoatcheckError } from '../../core/errors.ts'
import type { Row, StoredRow } from '../../core/types.ts'
import { versionMint } from '../common/versions.ts'

/** A row, and the server's mark of it. */
export interface Seen<Mark> {
  readonly row: StoredRow
  readonly mark: Mark
}

/** The rows of a server, by as few calls as it offers. A rejected promise is a failure, everything else an answer. */
export interface MarkedRows<Mark> {
  /** In the order asked. No id is asked twice, and no more than `readMax` are. */
  read(ids: readonly string[]): Promise<(Seen<Mark> | null)[]>
  /** `null`: something is there. */
  create(row: StoredRow): Promise<Mark | null>
  /** `null`: there is nothing, or it bears another mark. */
  replace(row: StoredRow, mark: Mark): Promise<Mark | null>
  /** `replace` where nothing but the expiry is new. */
  prolong(row: StoredRow, mark: Mark): Promise<Mark | null>
  remove(id: string): Promise<unknown>
}

/** Keys in one lookup: https://cloud.google.com/datastore/docs/concepts/limits */
const readMax = 1_000
/** Rows whose marks are remembered: those of requests under way, so not many. */
const rememberedMax = 256
/** How many a version names: what is written to one session between a call and its repetition, and more. */
const lineMax = 16
/** Each further try means that somebody else touched the row in between. */
const triesMax = 10

export class SwappedRows<Mark> {
  readonly #rows: MarkedRows<Mark>
  readonly #mint = versionMint()
  readonly #remembered = new Map<string, Seen<Mark>>()

  constructor(rows: MarkedRows<Mark>) {
    this.#rows = rows
  }

  async get(id: string): Promise<StoredRow | null> {
    return copyOf(await this.#lookAt(id))
  }

  async getMany(ids: readonly string[]): Promise<(StoredRow | null)[]> {
    const wanted = [...new Set(ids)]
    const pages = Array.from({ length: Math.ceil(wanted.length / readMax) }, (_, n) => wanted.slice(n * readMax, (n + 1) * readMax))
    const found = (await Promise.all(pages.map((page) => this.#look(page)))).flat()
    const byId = new Map(wanted.map((id, n) => [id, found[n] ?? null]))
    return ids.map((id) => copyOf(byId.get(id) ?? null))
  }

  put({ id, body, user, expiresAt }: Row, expected: string | null): Promise<string | null> {
    const version = [this.#mint(), ...lineOf(expected ?? '')].slice(0, lineMax).join(' ')
    const row = { id, body, user, expiresAt, version }
    return expected === null ? this.#create(row) : this.#replace(row, expected)
  }

  async touch(id: string, expiresAt: number): Promise<boolean> {
    let seen = this.#remembered.get(id) ?? null
    if (seen === null || seen.row.expiresAt >= expiresAt) seen = await this.#lookAt(id)
    for (let tries = 0; tries < triesMax; tries++) {
      if (seen === null || seen.row.expiresAt >= expiresAt) return seen !== null
      const row = { ...seen.row, expiresAt }
      if (this.#done(row, await this.#rows.prolong(row, seen.mark))) return true
      seen = await this.#lookAt(id)
    }
    throw tooBusy()
  }

  async delete(id: string): Promise<void> {
    this.#remembered.delete(id)
    await this.#rows.remove(id)
  }

  async #create(row: StoredRow): Promise<string | null> {
    if (this.#done(row, await this.#rows.create(row))) return row.version
    return ownVersion(row, await this.#lookAt(row.id))
  }

  async #replace(row: StoredRow, expected: string): Promise<string | null> {
    let seen = this.#remembered.get(row.id) ?? null
    if (seen?.row.version !== expected) seen = await this.#lookAt(row.id)
    for (let tries = 0; tries < triesMax; tries++) {
      if (seen?.row.version !== expected) return ownVersion(row, seen)
      if (this.#done(row, await this.#rows.replace(row, seen.mark))) return row.version
      seen = await this.#lookAt(row.id)
    }
    throw tooBusy()
  }

  #done(row: StoredRow, mark: Mark | null): boolean {
    if (mark !== null) this.#remember({ row, mark })
    return mark !== null
  }

  async #look(ids: readonly string[]): Promise<(Seen<Mark> | null)[]> {
    const found = await this.#rows.read(ids)
    for (const seen of found) if (seen !== null) this.#remember(seen)
    return found
  }

  async #lookAt(id: string): Promise<Seen<Mark> | null> {
    const [seen = null] = await this.#look([id])
    return seen
  }

  #remember(seen: Seen<Mark>): void {
    this.#remembered.delete(seen.row.id)
    this.#remembered.set(seen.row.id, seen)
    const [oldest] = this.#remembered.keys()
    if (this.#remembered.size > rememberedMax && oldest !== undefined) this.#remembered.delete(oldest)
  }
}

/** The version of a row that was written after all, since it is, or has become, what stands there now. */
function ownVersion({ version }: StoredRow, current: Seen<unknown> | null): string | null {
  const [own = ''] = lineOf(version)
  return current !== null && lineOf(current.row.version).includes(own) ? version : null
}

/** A version, the one it replaced, the one that one replaced, … */
function lineOf(version: string): string[] {
  return version === '' ? [] : version.split(' ')
}

function copyOf(seen: Seen<unknown> | null): StoredRow | null {
  return seen === null ? null : { ...seen.row }
}

function tooBusy(): CoatcheckError {
  return new CoatcheckError('store_unavailable', `a session was touched ${triesMax} times while it was being written`)
}
