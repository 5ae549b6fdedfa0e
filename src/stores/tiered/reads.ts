/** Reads through the cache. */
import { CoatcheckError } from '../../core/errors.ts'
import type { Clock, SessionStore, StoredRow } from '../../core/types.ts'
import type { Cache } from './cache.ts'
import type { Seen } from './entry.ts'
import { away, type Away } from './line.ts'

type Answer = StoredRow | null

interface Load {
  /** The version of the entry that was seen in the cache before it began. */
  readonly marker: string
  readonly at: number
  readonly row: Promise<Answer>
}

export class Reads {
  readonly #cache: Cache
  readonly #load: (id: string) => Promise<Answer>
  readonly #clock: Clock
  readonly #loads = new Map<string, Load>()

  constructor(cache: Cache, durable: SessionStore, clock: Clock) {
    this.#cache = cache
    this.#load = gathered(durable)
    this.#clock = clock
  }

  async get(id: string): Promise<Answer> {
    return this.#answer(id, await this.#cache.read(id))
  }

  async getMany(ids: readonly string[]): Promise<Answer[]> {
    const seen = await this.#cache.readMany(ids)
    return Promise.all(ids.map((id, i) => this.#answer(id, seen[i] ?? null)))
  }

  async #answer(id: string, seen: Seen | null | Away): Promise<Answer> {
    if (seen === away) return this.#load(id)
    if (seen !== null) return this.#answerSeen(id, seen)
    const marker = await this.#cache.dig(id)
    if (typeof marker === 'string') return this.#share(id, marker)
    const again = marker === away ? away : await this.#cache.read(id)
    return again === away || again === null ? this.#load(id) : this.#answerSeen(id, again)
  }

  #answerSeen(id: string, { entry, version }: Seen): Promise<Answer> {
    if (entry?.kind === 'none' && this.#cache.isFresh(id, entry.at)) return Promise.resolve(null)
    // The durable store may drop what has expired without a word.
    const isFresh = entry?.kind === 'value' && entry.row.expiresAt >= this.#clock() && this.#cache.isFresh(id, entry.at)
    if (isFresh) return Promise.resolve(entry.row)
    return entry === null || this.#cache.isBuried(entry) ? this.#load(id) : this.#share(id, version)
  }

  /**
   * One load for all who have seen the same entry, also for those who come while it is under way: as long as that entry lies there, no
   * write has begun since, or its tombstone would.
   */
  #share(id: string, marker: string): Promise<Answer> {
    const current = this.#loads.get(id)
    if (current?.marker === marker && this.#cache.isFresh(id, current.at)) return current.row
    // Before the durable store is asked, so that an entry is never younger than what it says.
    const at = this.#clock()
    const load = { marker, at, row: this.#load(id) }
    this.#loads.set(id, load)
    const end = (): void => {
      if (this.#loads.get(id) === load) this.#loads.delete(id)
    }
    const fill = async (row: Answer): Promise<void> => {
      if (row === null) await this.#cache.fill(id, marker, { kind: 'none', at })
      else if (row.id === id) await this.#cache.fill(id, marker, { kind: 'value', at, row })
    }
    void load.row.then(fill).then(end, end)
    return load.row
  }
}

/** Reads of the durable store; those of one turn of the event loop in one call, where it has one for many. */
function gathered(durable: SessionStore): (id: string) => Promise<Answer> {
  const { getMany } = durable
  if (getMany === undefined) return (id) => durable.get(id)
  let ids: string[] = []
  let rows: Promise<Answer[]> | null = null
  return (id) => {
    rows ??= new Promise((resolve) => setImmediate(resolve)).then(async () => {
      const asked = ids
      ids = []
      rows = null
      const answers = await getMany.call(durable, asked)
      if (answers.length === asked.length) return answers
      throw new CoatcheckError(
        'store_unavailable',
        `tieredStore: the durable store answered ${answers.length} rows for ${asked.length} ids`,
      )
    })
    const place = ids.push(id) - 1
    return rows.then((answers) => answers[place] ?? null)
  }
}
