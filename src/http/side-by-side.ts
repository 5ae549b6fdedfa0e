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
import { reject, type Held, type KeeperConfig, type Saved, type Shown } from '../core/keeper.ts'
import { standingOf } from '../core/rights.ts'
import { baseOf, loadBase, type Base } from '../core/rows.ts'
import type { Tickets } from '../core/ticket.ts'
import { defaultGraceMs } from '../core/turns.ts'
import { readValue } from '../core/values.ts'
import type { OldSession } from './move-in.ts'
import type { MovedRows, Place } from './moved-rows.ts'
import type { Moved } from './moving.ts'
import { endOld, type Tie, type Ties } from './ties.ts'
import type { RequestHead } from './types.ts'

/** What keeping in step needs of its room. */
export interface SideBySideParts {
  readonly guard: Guard
  readonly tickets: Tickets
  readonly rows: MovedRows
  readonly ties: Ties
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
    const shown = tie === 'lost' ? null : identityShown(ties.shownIn(head.header('cookie')), tie)
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
    return this.#end(held, readOnly)
  }

  /**
   * The session behind an old cookie; `null`: there is none, or, with `usersOnly`, nobody is signed in to it. `'alone'`: what stands in its
   * place is kept in step with nothing, because somebody has signed in to it, or it moved in before `dualWrite` was written.
   */
  async take(place: Place, options: { readonly readOnly: boolean; readonly usersOnly: boolean }): Promise<Moved | 'alone' | null> {
    const { guard, rows } = this.#parts
    const tie = { reader: place.reader, identity: place.ticket.identity } as Tie
    // What has ended by itself stands there until it is swept.
    const row = await guard.get(place.id)
    const there = await baseOf(this.#config, row, place.id)
    if (there !== null && there.state.from === null) return 'alone'
    const old = await this.#load(tie)
    if (old === null) return there === null ? null : this.#end(there, options.readOnly)
    if (options.usersOnly && (old.user ?? null) === null) return null
    const inStep = this.#inStep(tie, old, there)
    if (inStep !== null) return this.#admitted(place, inStep)
    if (there === null && (await rows.isEnded(place))) return this.#endAgain(tie, options.readOnly)
    return this.#make(place, tie, old, { over: (there ?? row)?.version ?? null, readOnly: options.readOnly })
  }

  /** After a commit: lets the old application see what it has changed. Rejects when it could not, and then both may differ. */
  wrote({ before, held, outcome }: Saved): Promise<void> {
    const tie = outcome === 'stored' && before !== null ? this.#parts.ties.of(before) : null
    if (tie === null || tie === 'lost' || before === null) return done
    // One after another: in a store that compares they would only be in each other's way.
    const ahead = this.#writing.get(before.id)
    const write = async (): Promise<void> =>
      this.#bring(tie, before, ahead === undefined && held !== null ? held : await this.#newest(before.id))
    const mine = ahead === undefined ? write() : ahead.then(write, write)
    this.#writing.set(before.id, mine)
    const leave = (): void => {
      if (this.#writing.get(before.id) === mine) this.#writing.delete(before.id)
    }
    mine.then(leave, leave)
    return mine
  }

  /** Before somebody signs out of a session that is in step with none: ends what the old cookies beside it open. Rejects as `wrote` does. */
  async endShown(head: RequestHead): Promise<void> {
    for (const tie of this.#parts.ties.shownIn(head.header('cookie'))) await this.#endThere(tie)
  }

  async #bring(tie: Tie, before: State, after: Pick<Held, 'state' | 'version'> | null): Promise<void> {
    let [known, newest] = [before, after]
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      // Signed in to: from here on it goes alone. Ended: what was written may have come behind the end.
      if (newest === null || newest.state.from === null) return this.#endThere(tie)
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
  async #write(tie: Tie, before: State, after: State): Promise<boolean> {
    const { dualWrite } = tie.reader
    let givenUp = false
    const write = async (): Promise<boolean> => {
      const changes = await dualWrite.changes(seenFrom(before), seenFrom(after))
      const written = changes !== null && (await dualWrite.write(tie.identity, changes, this.#config.clock(), after.user))
      // It may have come behind something newer, or behind the end.
      if (givenUp && written) await this.#bring(tie, after, await this.#newest(after.id))
      return written
    }
    try {
      return await this.#parts.guard.run('dual-write', write)
    } catch (error) {
      givenUp = true
      throw error
    }
  }

  #load({ reader, identity }: Tie): Promise<OldSession | null> {
    return this.#parts.guard.run('move-in', () => reader.dualWrite.load(identity, this.#config.clock()))
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
      // Again: another request may have made it, and signed out of it, since that was asked.
      if (await rows.isEnded(place)) {
        await this.#endAgain(tie, false)
        return this.#end(made, false)
      }
      return { held: { ...made, secret: shownBy(place, made) }, token: tickets.write(place.id, made.secret), forget: [] }
    }
    const there = this.#inStep(tie, old, await this.#newest(place.id))
    return there === null ? null : this.#admitted(place, there)
  }

  #admitted(place: Place, there: Base): Moved {
    const { state } = there
    const standing = standingOf(place.oldHash, state, this.#config.clock())
    const arriving = (standing === 'previous' || standing === 'overdue') && state.previous?.seen === false
    const secret = shownBy(place, there)
    return { held: { ...there, secret: arriving ? secret : { ...secret, byOldCookie: true } }, token: null, forget: [] }
  }

  /** What stands there, if it is this old session. One whose tie is lost is not: nothing would be written there. */
  #inStep(tie: Tie, old: OldSession, there: Base | null): Base | null {
    const isTied = there !== null && there.state.from !== null && this.#parts.ties.of(there.state) !== 'lost'
    return isTied && isSameUser(tie, old, there.state) ? there : null
  }

  /** We have ended it; a request of the old application that was under way has saved it once more. */
  async #endAgain(tie: Tie, readOnly: boolean): Promise<null> {
    if (!readOnly) await this.#parts.guard.run('dual-write', () => endOld(tie)).catch(() => null)
    return null
  }

  #endThere(tie: Tie): Promise<void> {
    const { guard, rows } = this.#parts
    return guard.run('dual-write', async () => {
      await endOld(tie)
      await rows.markEnded(tie)
    })
  }

  /**
   * Ends ours and leaves the old session alone. By compare-and-swap, which a delete cannot: somebody may have signed in to it by now. A row
   * without a body is no session (spill.ts).
   */
  async #end({ state: { id }, version }: Pick<Held, 'state' | 'version'>, readOnly: boolean): Promise<null> {
    const tombstone = { id, body: '', user: null, expiresAt: this.#config.clock() + defaultGraceMs }
    if (!readOnly) await this.#parts.guard.put(tombstone, version)
    return reject(this.#config, 'signed_out', id)
  }
}

function identityShown(shown: readonly Tie[], { reader }: Tie): string | null {
  return shown.find((tie) => tie.reader === reader)?.identity ?? null
}

/** What the client has shown is the old cookie, also in the request that makes its ticket: nobody has seen that yet. */
function shownBy({ oldHash }: Place, { state }: Base): Shown {
  return { secret: '', secretHash: oldHash, stale: false, from: state.from }
}

function isSameUser({ reader }: Tie, old: OldSession, state: State): boolean {
  return !reader.dualWrite.tellsUser || (old.user ?? null) === state.user
}

/** A session as the application has it. What ends by itself is left out: nobody would end it in the old session. */
function seenFrom({ values, until, user }: State): Pick<OldSession, 'values' | 'user'> {
  const kept = values.filter((key) => !until.has(key))
  return { values: Object.fromEntries(kept.keys.map((key, at) => [key, readValue(kept.lines[at])])), user }
}
