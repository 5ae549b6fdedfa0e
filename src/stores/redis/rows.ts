import type { Row, StoredRow } from '../../core/types.ts'
import { foreignRow } from '../common/filed.ts'
import { versionMint } from '../common/versions.ts'
import type { Wire } from './client.ts'
import { digits, ownerOf, recordOf, rowOf, userOf, userText } from './record.ts'
import type { Write } from './replicas.ts'
import * as scripts from './scripts.ts'

/** Rows and the index of users, under one prefix. */
export class Rows {
  readonly #wire: Wire
  readonly #write: Write
  readonly #prefix: string
  readonly #hasIndex: boolean
  readonly #mint = versionMint()

  constructor(wire: Wire, write: Write, prefix: string, hasIndex: boolean) {
    this.#wire = wire
    this.#write = write
    this.#prefix = prefix
    this.#hasIndex = hasIndex
  }

  keyOf(id: string): string {
    return `${this.#prefix}s:${id}`
  }

  async find(id: string): Promise<StoredRow | null> {
    const record = await this.#wire.get(this.keyOf(id)).catch(notText)
    return record === null || record === undefined ? null : (rowOf(id, String(record)) ?? foreignRow(id))
  }

  async put(row: Row, expected: string | null): Promise<string | null> {
    const { left, due, now } = timesOf(row.expiresAt)
    const [key, version] = [this.keyOf(row.id), this.#mint()]
    const args = [expected ?? '', recordOf(row, version, due), `${left}`, row.id, `${due}`, `${now}`]
    const index = row.user === null || !this.#hasIndex ? null : this.#indexOf(row.user)
    const { cluster, breaks } = this.#wire
    // Before the row: the index may name too many, never too few.
    if (index !== null && cluster) await this.#file(index, row.id, due, now)
    const keys: [string, ...string[]] = index === null || cluster ? [key] : [key, index]
    const breaksBefore = breaks()
    const written = await this.#write(key, () => scripts.run(this.#wire, scripts.put, keys, args))
    if (written === '1') return version
    // The client may have sent it twice, and what refused the second may have been written over the first.
    if (breaks() !== breaksBefore) throw new Error('the connection broke during a write, and whether it was done cannot be told')
    return null
  }

  async delete(id: string): Promise<void> {
    const key = this.keyOf(id)
    const user = userOf(await this.#write(key, () => scripts.run(this.#wire, scripts.remove, [key], [])))
    if (user !== null && this.#hasIndex) await this.#wire.send(this.#indexOf(user), ['ZREM', this.#indexOf(user), id])
  }

  async touch(id: string, expiresAt: number): Promise<boolean> {
    const { left, due, now } = timesOf(expiresAt)
    const key = this.keyOf(id)
    let filedFor: string | null = null
    for (;;) {
      const args = [digits(expiresAt), `${left}`, digits(due), userText(filedFor)]
      const answer = await this.#write(key, () => scripts.run(this.#wire, scripts.touch, [key], args))
      const user = userOf(answer)
      // The same once more: what stands there is not how we write a user.
      if (user === null || user === filedFor) return answer === '1'
      if (this.#hasIndex) await this.#file(this.#indexOf(user), id, due, now)
      filedFor = user
    }
  }

  async idsOf(user: string): Promise<string[]> {
    const key = this.#indexOf(user)
    const ids = ((await this.#wire.send(key, ['ZRANGE', key, '0', '-1'])) as unknown[]).map(String)
    const end = `${64 + Buffer.byteLength(userText(user))}`
    const beginnings = await Promise.all(ids.map((id) => this.#wire.send(this.keyOf(id), ['GETRANGE', this.keyOf(id), '0', end])))
    return ids.filter((_, i) => ownerOf(String(beginnings[i])) === user)
  }

  #indexOf(user: string): string {
    return `${this.#prefix}u:${user}`
  }

  #file(index: string, id: string, due: number, now: number): Promise<unknown> {
    return scripts.run(this.#wire, scripts.index, [index], [id, `${due}`, `${now}`])
  }
}

function notText(error: unknown): string {
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return '?'
  throw error
}

/** By this machine's clock only: how long the row has, and until when it may stay in the index without being filed anew. */
function timesOf(expiresAt: number): { readonly left: number; readonly due: number; readonly now: number } {
  const now = Date.now()
  const left = Math.max(1, Math.ceil(expiresAt - now))
  return { left, due: expiresAt + left, now }
}
