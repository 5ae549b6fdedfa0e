import { CoatcheckError } from '../core/errors.ts'
import type { Session } from '../core/session.ts'
import { Opened } from './opened.ts'
import type { Room } from './room.ts'
import type { Ask, Outgoing, RequestHead, Visit } from './types.ts'

const untouched: Outgoing = { outcome: 'untouched', setCookies: [], headers: [], vary: null }

/** A {@link Visit} over the rooms of an application. Costs nothing until a handler asks. */
export class RoomVisit<Data extends object> implements Visit<Data> {
  readonly #rooms: ReadonlyMap<string, Room>
  readonly #head: RequestHead
  readonly #opened = new Map<Room, Promise<Opened>>()

  constructor(rooms: ReadonlyMap<string, Room>, head: RequestHead) {
    this.#rooms = rooms
    this.#head = head
  }

  get asked(): boolean {
    return this.#opened.size > 0
  }

  async session<D extends object = Data>(ask?: Ask): Promise<Session<D>> {
    const { name, csrfToken } = typeof ask === 'object' ? ask : { name: ask, csrfToken: undefined }
    const room = roomNamed(this.#rooms, name)
    let opened = this.#opened.get(room)
    if (opened === undefined) this.#opened.set(room, (opened = this.#open(room, csrfToken)))
    return (await opened).session as unknown as Session<D>
  }

  // A refused opening is forgotten: the handler may ask again, with the token of its form.
  #open(room: Room, csrfToken: string | undefined): Promise<Opened> {
    const opening = Opened.open(room, this.#head, { csrfToken })
    opening.catch(() => this.#opened.delete(room))
    return opening
  }

  async commit(status = 200): Promise<Outgoing> {
    let all = untouched
    for (const [{ transport }, opening] of this.#opened) {
      const { outcome, sent } = await (await opening).commit(status)
      const one: Outgoing = { outcome, setCookies: sent.setCookies, headers: sent.headers, vary: transport.vary }
      all = all === untouched ? one : both(all, one)
    }
    return all
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
  throw new CoatcheckError('config_invalid', `there is no session named "${name}"; createSessions knows ${[...rooms.keys()].join(', ')}`)
}
