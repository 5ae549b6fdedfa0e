/**
 * Sessions that are files in one folder, a file for each id. The only file of src/migrate that reads from a disk: what PHP and Django keep
 * there stands behind no server that a client could be passed for.
 */
import { constants } from 'node:fs'
import { open, readdir, unlink, type FileHandle } from 'node:fs/promises'
import type { IdPage } from './redis-keys.ts'

export interface SessionFile {
  readonly bytes: Buffer
  readonly modifiedMs: number
}

/** More than any store of sessions here takes. */
const bytesMax = 1_048_576
// Such a folder can be one for temporary files, where anybody may lay a link or a pipe; who opens a pipe waits for its other end.
const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

export class SessionFiles {
  readonly #folder: string
  readonly #prefix: string
  readonly #isId: (text: string) => boolean
  /** Of a walk under way, sorted: to read a folder for each page would take the square of its size. */
  #ids: readonly string[] | null = null

  constructor(folder: string, prefix: string, isId: (text: string) => boolean) {
    this.#folder = folder
    this.#prefix = prefix
    this.#isId = isId
  }

  /** `null`: not there, no plain file, or too large for a session. The id must have been checked. */
  async read(id: string): Promise<SessionFile | null> {
    const file = await openedOrNull(this.#pathOf(id))
    if (file === null) return null
    try {
      const stat = await file.stat()
      if (!stat.isFile() || stat.size > bytesMax) return null
      const { buffer, bytesRead } = await file.read(Buffer.alloc(stat.size), 0, stat.size, 0)
      return { bytes: buffer.subarray(0, bytesRead), modifiedMs: stat.mtimeMs }
    } finally {
      await file.close()
    }
  }

  async end(id: string): Promise<void> {
    await unlink(this.#pathOf(id)).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error
    })
  }

  /** So many ids behind the cursor, which is an id too. Can go on in another process. */
  async page(cursor: string | null, limit: number): Promise<IdPage> {
    const all = cursor === null || this.#ids === null ? await this.#list() : this.#ids
    const from = cursor === null ? 0 : firstAfter(all, cursor)
    const ids = all.slice(from, from + limit)
    const more = from + limit < all.length
    this.#ids = more ? all : null
    return { ids, cursor: more ? (ids.at(-1) ?? null) : null }
  }

  async count(): Promise<number> {
    return (this.#ids ?? (await this.#list())).length
  }

  async #list(): Promise<readonly string[]> {
    const names = await readdir(this.#folder)
    const ids = names.flatMap((name) => (name.startsWith(this.#prefix) ? [name.slice(this.#prefix.length)] : []))
    return ids.filter(this.#isId).toSorted()
  }

  #pathOf(id: string): string {
    return `${this.#folder}/${this.#prefix}${id}`
  }
}

async function openedOrNull(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, flags)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ELOOP') return null
    throw error
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code
}

/** Where the first text behind `text` is, in a sorted list. */
function firstAfter(sorted: readonly string[], text: string): number {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((sorted[middle] as string) > text) to = middle
    else from = middle + 1
  }
  return from
}
