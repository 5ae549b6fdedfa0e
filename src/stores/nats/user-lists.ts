/**
 * The user index: for each user one key with the ids of the sessions, and for each id the time until which it has to be listed.
 *
 * One key for each session would be simpler to write, but finding them takes a consumer, and a consumer reads from whichever replica it
 * lives on: a session that has just signed in could be missing.
 */
import { isLostRace, type NatsBucket, type NatsEntry } from './bucket.ts'

type List = Map<string, number>

/** Other processes sign the same user in at the same moment; each round one of them gets its way. */
const attemptsMax = 64
/** Entries stay an hour longer than they have to: clocks differ. */
const spareMs = 3_600_000

export class UserLists {
  readonly #bucket: NatsBucket
  /** Changes of one list in this process take turns, so that only other processes are in the way. */
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(bucket: NatsBucket) {
    this.#bucket = bucket
  }

  async ids(tag: string): Promise<string[]> {
    return [...listOf(await this.#bucket.get(keyOf(tag))).keys()]
  }

  /** Lists an id until `due` at least; answers until when. */
  async add(tag: string, id: string, due: number): Promise<number> {
    let until = due
    await this.#change(tag, (list) => {
      until = Math.max(due, list.get(id) ?? 0)
      if (list.get(id) === until) return false
      list.set(id, until)
      return true
    })
    return until
  }

  /** Unless somebody has listed it anew. */
  remove(tag: string, id: string, due: number): Promise<void> {
    return this.#change(tag, (list) => list.get(id) === due && list.delete(id))
  }

  #change(tag: string, change: (list: List) => boolean): Promise<void> {
    const run = (): Promise<void> => this.#attempt(tag, change)
    const turn = (this.#turns.get(tag) ?? Promise.resolve()).then(run, run)
    this.#turns.set(tag, turn)
    const leave = (): void => {
      if (this.#turns.get(tag) === turn) this.#turns.delete(tag)
    }
    turn.then(leave, leave)
    return turn
  }

  async #attempt(tag: string, change: (list: List) => boolean): Promise<void> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const entry = await this.#bucket.get(keyOf(tag))
      const list = listOf(entry)
      if (!change(list)) return
      for (const [id, due] of list) if (due + spareMs < Date.now()) list.delete(id)
      if (await this.#write(keyOf(tag), JSON.stringify(Object.fromEntries(list)), entry)) return
    }
    throw new Error(`a user's list of sessions changed ${attemptsMax} times while it was to be written`)
  }

  async #write(key: string, text: string, entry: NatsEntry | null): Promise<boolean> {
    try {
      if (entry === null) await this.#bucket.create(key, text)
      else await this.#bucket.update(key, text, entry.revision)
      return true
    } catch (error) {
      if (isLostRace(error)) return false
      throw error
    }
  }
}

function keyOf(tag: string): string {
  return `u.${tag}`
}

function listOf(entry: NatsEntry | null): List {
  if (entry === null || entry.operation !== 'PUT') return new Map()
  try {
    const listed = Object.entries(JSON.parse(Buffer.from(entry.value).toString()) as object)
    return new Map(listed.filter(([, due]) => typeof due === 'number'))
  } catch {
    return new Map()
  }
}
