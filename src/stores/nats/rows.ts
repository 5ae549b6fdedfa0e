import { CoatcheckError } from '../../core/errors.ts'
import type { Row, StoredRow } from '../../core/types.ts'
import { tooLarge } from '../common/errors.ts'
import { type Filed, filedOf, foreignRow, userTag, versionOf } from '../common/filed.ts'
import { frame, unframe } from '../common/framed.ts'
import { checkBucket, isLostRace, isTooLarge, type Limits, limitsOf, type NatsBucket, type NatsEntry } from './bucket.ts'
import { UserLists } from './user-lists.ts'

const revision = /^[1-9]\d*$/
/** More than the headers of a message and the columns but the user take. */
const aroundBytes = 512
/** How much of the bucket's ttl is left alone, for clocks that differ. */
const spareMsMax = 3_600_000

export class Rows {
  readonly #bucket: NatsBucket
  readonly #lists: UserLists
  #limits: Promise<Limits> | null = null

  constructor(bucket: NatsBucket) {
    this.#bucket = bucket
    this.#lists = new UserLists(bucket)
  }

  async find(id: string): Promise<StoredRow | null> {
    const entry = await this.#bucket.get(keyOf(id))
    return entry === null || entry.operation !== 'PUT' ? null : rowOf(id, entry)
  }

  async put(row: Row, expected: string | null): Promise<string | null> {
    const before = expected === null ? null : filedOf(expected)
    if (expected !== null && (before === null || !revision.test(before.point))) return null
    const { id, body, user, expiresAt } = row
    const limits = await this.#limitsOnce()
    checkFits(row, limits)
    const due = await this.#list(row, before, limits)
    try {
      const value = frame({ user, expiresAt, due }, body)
      const point =
        before === null ? await this.#bucket.create(keyOf(id), value) : await this.#bucket.update(keyOf(id), value, Number(before.point))
      return versionOf({ point: String(point), entry: due.toString(36), tag: userTag(user) })
    } catch (error) {
      if (isLostRace(error)) return null
      throw isTooLarge(error) ? tooLarge('natsStore', bytesOf(row), limits.bytesMax) : error
    }
  }

  async delete(id: string): Promise<void> {
    const entry = await this.#bucket.get(keyOf(id))
    if (entry === null || entry.operation !== 'PUT') return
    await this.#bucket.purge(keyOf(id))
    const filed = filedOf(rowOf(id, entry).version)
    if (filed !== null && filed.tag !== '') await this.#lists.remove(filed.tag, id, Number.parseInt(filed.entry, 36))
  }

  async idsOf(user: string): Promise<string[]> {
    const ids = await this.#lists.ids(userTag(user))
    const rows = await Promise.all(ids.map((id) => this.find(id)))
    return ids.filter((_, n) => rows[n]?.user === user)
  }

  async check(): Promise<void> {
    const status = await this.#bucket.status()
    checkBucket(this.#bucket, status)
    this.#limits = Promise.resolve(limitsOf(this.#bucket, status))
  }

  /**
   * Before the row is written: a list may name too many ids, never too few. It is written again when the row is another user's, or is to
   * live longer than it is listed, which for a session in use is once in an idle timeout.
   */
  async #list({ id, user, expiresAt }: Row, before: Filed | null, { lifeMs }: Limits): Promise<number> {
    if (user === null) return 0
    const [tag, now] = [userTag(user), Date.now()]
    const dueBefore = before?.tag === tag ? Number.parseInt(before.entry, 36) : 0
    if (dueBefore >= expiresAt) return dueBefore
    // The list is a key like any other: it ends a ttl after its last write.
    const listedMax = now + lifeMs - Math.min(lifeMs / 4, spareMsMax)
    const twice = expiresAt + Math.max(0, expiresAt - now)
    return this.#lists.add(tag, id, Math.ceil(Math.max(expiresAt, Math.min(twice, listedMax))))
  }

  #limitsOnce(): Promise<Limits> {
    this.#limits ??= this.#bucket.status().then(
      (status) => limitsOf(this.#bucket, status),
      (error: unknown) => {
        this.#limits = null
        throw error
      },
    )
    return this.#limits
  }
}

function keyOf(id: string): string {
  return `s.${id}`
}

function bytesOf({ user, body }: Row): number {
  return Buffer.byteLength(frame({ user }, body)) + aroundBytes
}

function checkFits(row: Row, { bytesMax, lifeMs }: Limits): void {
  const bytes = bytesOf(row)
  if (bytes > bytesMax) throw tooLarge('natsStore', bytes, bytesMax)
  const leftMs = row.expiresAt - Date.now()
  if (leftMs <= lifeMs) return
  throw new CoatcheckError(
    'store_unavailable',
    `natsStore: the bucket drops a session after ${lifeMs} ms (its ttl), and this one is to live for ${Math.ceil(leftMs)}; ` +
      'give the bucket a ttl of at least twice the idle timeout',
  )
}

function rowOf(id: string, { value, revision: point }: NatsEntry): StoredRow {
  const { columns: { user, expiresAt, due } = {}, body } = unframe(Buffer.from(value).toString()) ?? { body: '' }
  if ((user !== null && typeof user !== 'string') || typeof expiresAt !== 'number' || typeof due !== 'number') return foreignRow(id)
  return { id, body, user, expiresAt, version: versionOf({ point: String(point), entry: due.toString(36), tag: userTag(user) }) }
}
