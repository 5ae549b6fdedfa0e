import { CoatcheckError } from '../core/errors.ts'
import type { Session } from '../core/session.ts'
import { shortKey } from '../core/values.ts'
import { Opened } from './opened.ts'
import type { Room } from './room.ts'
import type { Ask, Outgoing, RequestHead, Visit } from './types.ts'

const untouched: Outgoing = { outcome: 'untouched', setCookies: [], headers: [], vary: null }

/** A {@link Visit} over the rooms of an application. Costs nothing until a handler asks. */
export class RoomVisit<Data extends object> implements Visit<Data> {
  readonly #rooms: ReadonlyMap<string, Room>
  readonly #head: RequestHead
  readonly #opened = new Map<Room, Promise<Opened>>()
  readonly #ready: Opened[] = []
  /** What sessions committed before another failed: the error's response has to carry it, or a new secret would be lost. */
  #unsent: Outgoing = untouched

  constructor(rooms: ReadonlyMap<string, Room>, head: RequestHead) {
    this.#rooms = rooms
    this.#head = head
  }

  get asked(): boolean {
    return this.#opened.size > 0
  }

  async session<D extends object = Data>(ask?: Ask): Promise<Session<D>> {
    const { name, csrfToken } = typeof ask === 'object' ? ownAsk(ask) : { name: ask, csrfToken: undefined }
    const room = roomNamed(this.#rooms, name)
    let opened = this.#opened.get(room)
    if (opened === undefined) this.#opened.set(room, (opened = this.#open(room, csrfToken)))
    return (await opened).session as unknown as Session<D>
  }

  async #open(room: Room, csrfToken: string | undefined): Promise<Opened> {
    try {
      const opened = await Opened.open(room, this.#head, { csrfToken })
      this.#ready.push(opened)
      return opened
    } catch (error) {
      // Forgotten, so that the handler may ask again, with the token of its form.
      this.#opened.delete(room)
      throw error
    }
  }

  async commit(status = 200): Promise<Outgoing> {
    let all = this.#unsent
    this.#unsent = untouched
    try {
      for (const [{ transport }, opening] of this.#opened) {
        const { outcome, sent } = await (await opening).commit(status)
        const one: Outgoing = { outcome, setCookies: sent.setCookies, headers: sent.headers, vary: transport.vary }
        all = all === untouched ? one : both(all, one)
      }
    } catch (error) {
      this.#unsent = all
      throw error
    }
    return all
  }

  commitAtOnce(): Outgoing | null {
    const [ready] = this.#ready
    // With several sessions open one may have to wait, and then all do.
    if (ready === undefined || this.#ready.length > 1 || this.#opened.size > 1 || !ready.commitAtOnce()) return null
    return ready.room.read
  }

  get unsettled(): boolean {
    return this.#ready.length < this.#opened.size || this.#ready.some((opened) => opened.unsettled)
  }

  async settled(): Promise<void> {
    for (const opening of this.#opened.values()) await (await opening).settled()
  }
}

function both(a: Outgoing, b: Outgoing): Outgoing {
  return {
    outcome: a.outcome === 'untouched' ? b.outcome : a.outcome,
    setCookies: [...a.setCookies, ...b.setCookies],
    headers: [...a.headers, ...b.headers],
    vary: a.vary === b.vary ? a.vary : `${a.vary}, ${b.vary}`,
  }
}

/** The room of a name, or the first. Throws `config_invalid`. */
export function roomNamed(rooms: ReadonlyMap<string, Room>, name: string | undefined): Room {
  const [first] = rooms.values()
  const room = name === undefined ? first : rooms.get(name)
  if (room !== undefined) return room
  throw new CoatcheckError(
    'config_invalid',
    `there is no session named "${shortKey(String(name))}"; createSessions knows ${[...rooms.keys()].join(', ')}`,
  )
}

function ownAsk(ask: Extract<Ask, object>): Extract<Ask, object> {
  return { __proto__: null, ...ask } as Extract<Ask, object>
}
