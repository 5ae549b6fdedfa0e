import { CoatcheckError } from '../core/errors.ts'
import type { Session } from '../core/session.ts'
import { Opened } from './opened.ts'
import type { Room } from './room.ts'
import type { Outgoing, RequestHead, Visit } from './types.ts'

const untouched: Outgoing = { outcome: 'untouched', setCookies: [], headers: [], vary: null }

/** A {@link Visit} over the rooms of an application. Costs nothing until a handler asks. */
export class RoomVisit implements Visit {
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

  async session<Data extends object = Record<string, unknown>>(name?: string): Promise<Session<Data>> {
    const room = roomNamed(this.#rooms, name)
    let opened = this.#opened.get(room)
    if (opened === undefined) this.#opened.set(room, (opened = Opened.open(room, this.#head, false)))
    return (await opened).session as unknown as Session<Data>
  }

  async commit(status = 200): Promise<Outgoing> {
    let all: Outgoing = untouched
    for (const [room, opening] of this.#opened) {
      const opened = await opening.catch(() => null)
      const { outcome, sent } = opened === null ? { outcome: 'untouched' as const, sent: untouched } : await opened.commit(status)
      const { vary } = room.transport
      all = {
        outcome: all.outcome === 'untouched' ? outcome : all.outcome,
        setCookies: [...all.setCookies, ...sent.setCookies],
        headers: [...all.headers, ...sent.headers],
        vary: all.vary === null || all.vary === vary ? vary : `${all.vary}, ${vary}`,
      }
    }
    return all
  }

  async settled(): Promise<void> {
    for (const opening of this.#opened.values()) await (await opening.catch(() => null))?.settled()
  }
}

/** The room of a name, or the first. Throws `config_invalid`. */
export function roomNamed(rooms: ReadonlyMap<string, Room>, name: string | undefined): Room {
  const [first] = rooms.values()
  const room = name === undefined ? first : rooms.get(name)
  if (room !== undefined) return room
  throw new CoatcheckError('config_invalid', `there is no session named "${name}"; createSessions knows ${[...rooms.keys()].join(', ')}`)
}
