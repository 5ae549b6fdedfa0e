import { CoatcheckError } from '../core/errors.ts'
import type { Session } from '../core/session.ts'
import { Opened } from './opened.ts'
import type { Room } from './room.ts'
import type { Outgoing, RequestHead, Visit } from './types.ts'

const untouched: Outgoing = { outcome: 'untouched', setCookies: [], headers: [], vary: null }

const nothing = { outcome: 'untouched', sent: untouched } as const

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
    let all = untouched
    for (const [{ transport }, opening] of this.#opened) {
      const opened = await opening.catch(() => null)
      const { outcome, sent } = opened === null ? nothing : await opened.commit(status)
      const one: Outgoing = { outcome, setCookies: sent.setCookies, headers: sent.headers, vary: transport.vary }
      all = all === untouched ? one : both(all, one)
    }
    return all
  }

  async settled(): Promise<void> {
    for (const opening of this.#opened.values()) await (await opening.catch(() => null))?.settled()
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
