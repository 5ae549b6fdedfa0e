/** Clients that do random things to shared sessions, and write down what they asked and what they were told. */
import { CoatcheckError, type Outgoing, type Session, type Sessions, type Visit } from '../../src/index.ts'
import type { Slot, World } from './journal.ts'
import { born, type Action, type Edit, type Seen, type Value } from './model.ts'

type Any = Record<string, unknown>

/** A request that is under way. */
interface Request {
  readonly at: number
  readonly id: string
  readonly visit: Visit
  readonly session: Session<Any>
  readonly start: number
  readonly ticket: string
}

const cookieName = '__Host-session'
const users = ['ada', 'bob']
const contested = ['k0', 'k1']

/** The ticket that a response brings: `null` for none, `''` when the client is to forget the one it has. */
export function ticketOf({ setCookies: [line] }: Outgoing): string | null {
  return line === undefined ? null : line.slice(cookieName.length + 1, line.indexOf(';'))
}

/** A request that shows a ticket. */
export function headOf(ticket: string): { method: string; header(name: string): string | undefined } {
  return { method: 'GET', header: (name) => (name === 'cookie' ? `${cookieName}=${ticket}` : undefined) }
}

export class Client {
  readonly #name: string
  readonly #sessions: Pick<Sessions, 'visit'>
  readonly #world: World
  #made = 0

  constructor(name: string, sessions: Pick<Sessions, 'visit'>, world: World) {
    this.#name = name
    this.#sessions = sessions
    this.#world = world
  }

  /** One request for the session in a slot; makes one when there is none. */
  async visit(at: number): Promise<void> {
    const world = this.#world
    const slot = world.slots[at] ?? null
    if (slot === null) return this.#create(at)
    const { id, ticket } = slot
    const start = world.now()
    const visit = this.#sessions.visit(headOf(ticket))
    const session = await this.#tried(visit.session<Any>())
    if (session === null) return
    this.#note(id, start, ticket, { kind: 'read', saw: session.isNew ? null : seenIn(session) })
    if (session.isNew) {
      if (world.slots[at]?.ticket === ticket) world.slots[at] = null
      return
    }
    await this.#handle({ at, id, visit, session, start, ticket })
  }

  async #handle(request: Request): Promise<void> {
    const { visit } = request
    const { dice, pause } = this.#world
    await pause()
    if (dice.chance(0.12)) await this.#take(request)
    if (dice.chance(0.12)) await this.#takeFlashes(request)
    const edits = this.#edit(request.session)
    await pause()
    const committing = this.#commit(request, edits)
    if (dice.chance(0.1) && !edits.some(({ kind }) => kind === 'signIn' || kind === 'destroy'))
      await this.#editMeanwhile(request, committing)
    const ticket = await committing
    // Only edits that always change something: for the others it would matter what was known of the session before.
    if (ticket !== null && dice.chance(0.15)) await this.#editLate({ ...request, ticket })
    await this.#tried(visit.settled())
  }

  async #create(at: number): Promise<void> {
    const world = this.#world
    const visit = this.#sessions.visit({ method: 'GET', header: () => undefined })
    const session = await visit.session<Any>()
    const value = this.#fresh()
    session.set('born', value)
    const outgoing = await this.#tried(visit.commit())
    const ticket = outgoing === null ? null : ticketOf(outgoing)
    if (ticket === null) return
    world.journal.births.set(session.id, born(ticket, { user: null, values: { born: value } }))
    this.#publish(at, { id: session.id, ticket })
  }

  async #take({ id, session, start: opened, ticket }: Request): Promise<void> {
    const start = this.#world.now()
    const taken = await this.#answered(id, start, ticket, { kind: 'take', key: 'once', got: undefined }, session.take('once'))
    if (taken === null) return
    const got = taken.value as Value | undefined
    // What was not there when the request began needs no question to the store.
    this.#note(id, got === undefined ? opened : start, ticket, { kind: 'take', key: 'once', got })
  }

  async #takeFlashes({ id, session, start: opened, ticket }: Request): Promise<void> {
    const start = this.#world.now()
    const taken = await this.#answered(id, start, ticket, { kind: 'flashes', got: [] }, session.flashes())
    if (taken === null) return
    const got = taken.value.map(({ message }) => message)
    this.#note(id, got.length === 0 ? opened : start, ticket, { kind: 'flashes', got })
  }

  #edit(session: Session<Any>): Edit[] {
    const { dice } = this.#world
    const what = dice.weighted({ nothing: 20, edits: 66, rotate: 6, signIn: 4, destroy: 3 })
    if (what === 'nothing') return []
    if (what === 'destroy') {
      session.destroy()
      return [{ kind: 'destroy' }]
    }
    if (what === 'signIn') {
      const user = dice.pick(users)
      session.signIn(user)
      return [{ kind: 'signIn', user }]
    }
    const edits = Array.from({ length: 1 + dice.below(3) }, () => this.#editOnce(session, false)).flat()
    if (what === 'edits') return edits
    session.rotate({ grace: '6h' })
    return [...edits, { kind: 'rotate' }]
  }

  #editOnce(session: Session<Any>, late: boolean): Edit[] {
    const { dice } = this.#world
    const perhapsNothing = late ? 0 : 3
    const kind = dice.weighted({
      set: 8,
      once: 3,
      add: 6,
      append: 4,
      flash: 2,
      again: perhapsNothing,
      delete: perhapsNothing,
      clear: perhapsNothing / 3,
    })
    const value = kind === 'again' ? dice.pick(['x', 'y']) : this.#fresh()
    const key = kind === 'once' ? 'once' : dice.pick(contested)
    switch (kind) {
      case 'add':
        session.update('n', (n) => Number(n ?? 0) + 1)
        return [{ kind, key: 'n' }]
      case 'append':
        session.update('log', (log) => [...((log as string[] | undefined) ?? []), value])
        return [{ kind, key: 'log', item: value }]
      case 'delete':
        return session.delete(key) ? [{ kind, key }] : []
      case 'clear':
        session.clear()
        return [{ kind }]
      case 'flash':
        session.flash(value)
        return [{ kind, message: value }]
      default:
        session.set(key, value)
        return [{ kind: 'set', key, value }]
    }
  }

  /** Answers the ticket the request goes on with, `null` when there is nothing to go on with. */
  async #commit({ at, id, visit, session, start: opened, ticket }: Request, edits: readonly Edit[]): Promise<string | null> {
    const start = this.#world.now()
    const lost: Action = { kind: 'commit', edits, outcome: 'stored', ticket: null }
    const done = await this.#answered(id, start, ticket, lost, visit.commit())
    if (done === null) return null
    const { outcome } = done.value
    // A sign-in whose session is over is given a new one.
    if (session.id !== id) {
      this.#note(id, start, ticket, { kind: 'commit', edits, outcome: 'gone', ticket: null })
      return null
    }
    const given = ticketOf(done.value)
    const wrote = outcome !== 'untouched' && outcome !== 'slid'
    if (wrote || edits.length > 0) this.#note(id, wrote ? start : opened, ticket, { kind: 'commit', edits, outcome, ticket: given })
    if (given !== null && this.#world.slots[at]?.id === id) {
      if (given === '') this.#world.slots[at] = null
      else this.#publish(at, { id, ticket: given })
    }
    return outcome === 'gone' || outcome === 'erased' ? null : (given ?? ticket)
  }

  async #editLate({ id, visit, session, ticket }: Request): Promise<void> {
    await this.#world.pause()
    const start = this.#world.now()
    const edits = this.#editOnce(session, true)
    const action: Action = { kind: 'commit', edits, outcome: 'late', ticket: null }
    if (this.#world.dice.chance(0.5)) await this.#world.pause()
    const done = await this.#answered(id, start, ticket, action, visit.settled())
    if (done !== null) this.#note(id, start, ticket, action)
  }

  /** An edit while the commit is under way, or just after it. */
  async #editMeanwhile({ id, visit, session }: Request, committing: Promise<string | null>): Promise<void> {
    await this.#world.pause()
    const start = this.#world.now()
    const edits = this.#editOnce(session, true)
    const ticket = await committing
    // A commit that failed takes along what was edited meanwhile, and so does one that found the session gone.
    if (ticket === null) return
    const action: Action = { kind: 'commit', edits, outcome: 'late', ticket: null }
    const done = await this.#answered(id, start, ticket, action, visit.settled())
    if (done !== null) this.#note(id, start, ticket, action)
  }

  #publish(at: number, slot: Slot): void {
    this.#world.slots[at] = slot
    this.#world.published(at, slot)
  }

  /** The answer; `null` when the store failed, and then nobody knows whether it happened. */
  async #answered<T>(id: string, start: number, ticket: string, action: Action, answer: Promise<T>): Promise<{ value: T } | null> {
    try {
      return { value: await answer }
    } catch (error) {
      if (!this.#world.faulty || !isStoreFailure(error)) throw error
      this.#world.journal.calls.push([id, { client: this.#name, start, end: Number.POSITIVE_INFINITY, ticket, action, answer: 'unknown' }])
      return null
    }
  }

  async #tried<T>(answer: Promise<T>): Promise<T | null> {
    try {
      return await answer
    } catch (error) {
      if (this.#world.faulty && isStoreFailure(error)) return null
      throw error
    }
  }

  #note(id: string, start: number, ticket: string, action: Action): void {
    this.#world.journal.calls.push([id, { client: this.#name, start, end: this.#world.now(), ticket, action, answer: 'known' }])
  }

  #fresh(): string {
    return `${this.#name}.${++this.#made}`
  }
}

/** What a handler sees of a session. */
export function seenIn(session: Session<Any>): Seen {
  return { user: session.user, values: Object.fromEntries(session.entries()) as Seen['values'] }
}

function isStoreFailure(error: unknown): boolean {
  return error instanceof CoatcheckError && error.code.startsWith('store_')
}
