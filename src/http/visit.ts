import { CoatcheckError } from '../core/errors.ts'
import type { Session } from '../core/session.ts'
import { shortKey } from '../core/values.ts'
import { Opened } from './opened.ts'
import type { Room } from './room.ts'
import type { Ask, Outgoing, RequestHead, Visit } from './types.ts'

const untouched: Outgoing = { outcome: 'untouched', setCookies: [], headers: [], vary: null }

interface Opening {
  readonly room: Room
  readonly opened: Promise<Opened>
  ready: Opened | null
}

/** A {@link Visit} over the rooms of an application. Costs nothing until a handler asks. */
export class RoomVisit<Data extends object> implements Visit<Data> {
  readonly #rooms: ReadonlyMap<string, Room>
  readonly #head: RequestHead
  readonly #openings: Opening[] = []
  /** What sessions committed before another failed: the error's response has to carry it, or a new secret would be lost. */
  #unsent: Outgoing = untouched

  constructor(rooms: ReadonlyMap<string, Room>, head: RequestHead) {
    this.#rooms = rooms
    this.#head = head
  }

  get asked(): boolean {
    return this.#openings.length > 0
  }

  async session<D extends object = Data>(ask?: Ask): Promise<Session<D>> {
    const { name, csrfToken } = typeof ask === 'object' ? ownAsk(ask) : { name: ask, csrfToken: undefined }
    const room = roomNamed(this.#rooms, name)
    const opening = this.#openings.find((one) => one.room === room) ?? this.#open(room, csrfToken)
    return (await opening.opened).session as unknown as Session<D>
  }

  #open(room: Room, csrfToken: string | undefined): Opening {
    const opening: Opening = { room, ready: null, opened: Opened.open(room, this.#head, { csrfToken }) }
    this.#openings.push(opening)
    opening.opened.then(
      (opened) => (opening.ready = opened),
      // Forgotten, so that the handler may ask again, with the token of its form.
      () => this.#openings.splice(this.#openings.indexOf(opening), 1),
    )
    return opening
  }

  async commit(status = 200): Promise<Outgoing> {
    let all = this.#unsent
    this.#unsent = untouched
    try {
      for (const { room, ready, opened } of this.#openings.slice()) {
        const { outcome, sent } = await (ready ?? (await opened)).commit(status)
        const one: Outgoing = { outcome, setCookies: sent.setCookies, headers: sent.headers, vary: room.transport.vary }
        all = all === untouched ? one : both(all, one)
      }
    } catch (error) {
      this.#unsent = all
      throw error
    }
    return all
  }

  commitAtOnce(): Outgoing | null {
    const [opening] = this.#openings
    // With several sessions open one may have to wait, and then all do.
    if (this.#openings.length !== 1 || opening?.ready?.commitAtOnce() !== true) return null
    return opening.room.read
  }

  get unsettled(): boolean {
    return this.#openings.some(({ ready }) => ready === null || ready.unsettled)
  }

  async settled(): Promise<void> {
    for (const { opened } of this.#openings.slice()) await (await opened).settled()
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
