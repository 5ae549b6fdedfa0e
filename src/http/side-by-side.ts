/**
 * Both applications at once: sessions that have moved in are kept in step with the old ones (`dualWrite`), until the reader's sunset.
 *
 * The old store has the word whether a session is there, and whose it is: it is asked at every opening. Ours has the word on
 * values: after each commit what has changed is written there. Meanwhile the old cookie is as good as a ticket, as it is in
 * the old application. Decision 021 has the why.
 */
import type { State } from '../core/body.ts'
import { CoatcheckError } from '../core/errors.ts'
import type { Guard } from '../core/guard.ts'
import { reject, type Held, type KeeperConfig, type Saved } from '../core/keeper.ts'
import { standingOf } from '../core/rights.ts'
import { loadBase, type Base } from '../core/rows.ts'
import type { Tickets } from '../core/ticket.ts'
import { defaultGraceMs } from '../core/turns.ts'
import { readValue } from '../core/values.ts'
import type { OldSession } from './move-in.ts'
import type { MovedRows, Place } from './moved-rows.ts'
import type { Moved } from './moving.ts'
import { oldCookiesOf } from './old-cookies.ts'
import { endOld, type Tie, type Ties } from './ties.ts'
import type { RequestHead } from './types.ts'

/** What keeping in step needs of its room. */
export interface SideBySideParts {
  readonly guard: Guard
  readonly tickets: Tickets
  readonly rows: MovedRows
  readonly ties: Ties
  /** Deletes ours and leaves the old session alone. */
  readonly remove: (id: string) => Promise<void>
}

const attemptsMax = 64
const done = Promise.resolve()

export class SideBySide {
  readonly #config: KeeperConfig
  readonly #parts: SideBySideParts
  /** By session: the last of the writes to the old store that are under way. */
  readonly #writing = new Map<string, Promise<void>>()

  constructor(config: KeeperConfig, parts: SideBySideParts) {
    this.#config = config
    this.#parts = parts
  }

  /** A session opened by its ticket, as the old application has it by now: itself, made anew for somebody else, or over. */
  async look(head: RequestHead, held: Held, readOnly: boolean): Promise<Held | Moved | null> {
    const { rows, ties } = this.#parts
    const { state } = held
    const tie = ties.of(state)
    if (tie === null) return held
    const shown = tie === 'lost' ? null : this.#identityShown(head, tie)
    // With another cookie of the old application its browser is somebody else there.
    if (tie !== 'lost' && (shown === null || shown === tie.identity)) {
      const old = await this.#load(tie)
      if (old !== null) {
        if (isSameUser(tie, old, state)) return readOnly ? held : await this.#renewed(old, held)
        // A ticket alone never becomes somebody else's session.
        if (shown === null) return reject(this.#config, 'signed_out', state.id)
        const ticket = { identity: shown, load: () => old }
        return this.#make(rows.placeOf(tie.reader, ticket), tie, old, { over: held.version, readOnly })
      }
    }
    return this.#end(state.id, readOnly)
  }

  /**
   * The session behind an old cookie; `null`: there is none, or, with `usersOnly`, nobody is signed in to it. `'alone'`: what stands in its
   * place is kept in step with nothing, because somebody has signed in to it, or it moved in before `dualWrite` was written.
   */
  async take(place: Place, options: { readonly readOnly: boolean; readonly usersOnly: boolean }): Promise<Moved | 'alone' | null> {
    const { guard } = this.#parts
    const tie = { reader: place.reader, identity: place.ticket.identity } as Tie
    const there = await this.#newest(place.id)
    if (there !== null && there.state.from === null) return 'alone'
    const old = await this.#load(tie)
    if (old === null) return there === null ? null : this.#end(place.id, options.readOnly)
    if (options.usersOnly && (old.user ?? null) === null) return null
    if (there !== null && isSameUser(tie, old, there.state)) return this.#admitted(place, there)
    // What has ended by itself stands there until it is swept.
    const over = there?.version ?? (await guard.get(place.id))?.version ?? null
    return this.#make(place, tie, old, { over, readOnly: options.readOnly })
  }

  /** After a commit: lets the old application see what it has changed. Rejects when it could not, and then both may differ. */
  wrote({ before, held, outcome }: Saved): Promise<void> {
    const tie = outcome === 'stored' && before !== null && held !== null ? this.#parts.ties.of(before) : null
    if (tie === null || tie === 'lost' || before === null || held === null) return done
    // One after another: in a store that compares they would only be in each other's way.
    const ahead = this.#writing.get(before.id)
    const write = async (): Promise<void> => this.#bring(tie, before, ahead === undefined ? held : await this.#newest(before.id))
    const mine = ahead === undefined ? write() : ahead.then(write, write)
    this.#writing.set(before.id, mine)
    const leave = (): void => {
      if (this.#writing.get(before.id) === mine) this.#writing.delete(before.id)
    }
    mine.then(leave, leave)
    return mine
  }

  async #bring(tie: Tie, before: State, after: Pick<Held, 'state' | 'version'> | null): Promise<void> {
    let [known, newest] = [before, after]
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      // Signed in to: from here on it goes alone. Ended: what was written may have come behind the end.
      if (newest === null || newest.state.from === null) return this.#parts.guard.run('dual-write', () => endOld(tie))
      const { state, version }: Pick<Held, 'state' | 'version'> = newest
      if (!(await this.#write(tie, known, state))) return
      // Whoever writes last to the old store looks whether it was the newest. So in the end it has what ours has.
      newest = await this.#newest(state.id)
      if (newest?.version === version) return
      known = state
    }
    throw new CoatcheckError(
      'store_unavailable',
      `other processes changed this session during all ${attemptsMax} attempts to dual-write it`,
    )
  }

  async #newest(id: string): Promise<Base | null> {
    return loadBase(this.#config, this.#parts.guard, id)
  }

  /** `false`: there is nothing to write, or nothing to write to. */
  #write({ reader, identity }: Tie, before: State, after: State): Promise<boolean> {
    const { dualWrite } = reader
    return this.#parts.guard.run('dual-write', async () => {
      const changes = await dualWrite.changes(seenFrom(before), seenFrom(after))
      return changes !== null && (await dualWrite.write(identity, changes, this.#config.clock()))
    })
  }

  #load({ reader, identity }: Tie): Promise<OldSession | null> {
    return this.#parts.guard.run('move-in', () => reader.dualWrite.load(identity, this.#config.clock()))
  }

  #identityShown(head: RequestHead, { reader }: Tie): string | null {
    const header = head.header('cookie')
    return header === undefined ? null : (reader.verify(oldCookiesOf(header), this.#config.clock())?.identity ?? null)
  }

  /** A visit here keeps the old session alive too. When that fails it is an event: this request has its session. */
  async #renewed(old: OldSession, held: Held): Promise<Held> {
    if (old.renew !== undefined) await this.#parts.guard.run('dual-write', async () => old.renew?.()).catch(() => null)
    return held
  }

  async #make(
    place: Place,
    tie: Tie,
    old: OldSession,
    { over, readOnly }: { readonly over: string | null; readonly readOnly: boolean },
  ): Promise<Moved | null> {
    const { tickets, rows } = this.#parts
    const state = await rows.stateOf(place, old, this.#config.clock() + defaultGraceMs)
    if (state === null) return null
    if (readOnly) return { held: { state, expiresAt: Number.MAX_SAFE_INTEGER, version: null, secret: null }, token: null, forget: [] }
    // For the time after dualWrite: until then it is the old store that says whether the cookie is good.
    await rows.claim(place, old)
    const made = await rows.make(place, state, 0, over)
    if (made !== null) {
      const held = { ...made, secret: { secret: '', secretHash: place.oldHash, stale: false } }
      return { held, token: tickets.write(place.id, made.secret), forget: [] }
    }
    const there = await this.#newest(place.id)
    return there !== null && there.state.from !== null && isSameUser(tie, old, there.state) ? this.#admitted(place, there) : null
  }

  #admitted({ oldHash }: Place, { state, expiresAt, version }: Base): Moved {
    const standing = standingOf(oldHash, state, this.#config.clock())
    const arriving = (standing === 'previous' || standing === 'overdue') && state.previous?.seen === false
    const secret = { secret: '', secretHash: oldHash, stale: false }
    const held = { state, expiresAt, version, secret: arriving ? secret : { ...secret, byOldCookie: true as const } }
    return { held, token: null, forget: [] }
  }

  async #end(id: string, readOnly: boolean): Promise<null> {
    const { guard, remove } = this.#parts
    if (!readOnly) await guard.run('delete', () => remove(id))
    return reject(this.#config, 'signed_out', id)
  }
}

function isSameUser({ reader }: Tie, old: OldSession, state: State): boolean {
  return !reader.dualWrite.tellsUser || (old.user ?? null) === state.user
}

/** A session as the application has it. What ends by itself is left out: nobody would end it in the old session. */
function seenFrom({ values, until, user }: State): Pick<OldSession, 'values' | 'user'> {
  const kept = values.filter((key) => !until.has(key))
  return { values: Object.fromEntries(kept.keys.map((key, at) => [key, readValue(kept.lines[at])])), user }
}
