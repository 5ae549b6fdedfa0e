/**
 * Commits of one session take turns inside a process: while one write is under way the others wait, then all of them are replayed
 * on its result and written as one. Compare-and-swap is left to lose against other processes only.
 */
import type { State } from './body.ts'
import { replay, type Change } from './change.ts'
import { CoatcheckError } from './errors.ts'
import type { Guard } from './guard.ts'
import type { Held, KeeperConfig, SaveOptions, Shown } from './keeper.ts'
import { endedBy, nextExpiry, touchDue } from './lifetime.ts'
import { standingOf } from './rights.ts'
import { draw } from './random.ts'
import { loadBase, rowOf, type Base } from './rows.ts'
import { hashOf, mintSecret } from './ticket.ts'

/** How one commit fared: `before` is `null` when its session had ended or was no longer its own. */
export interface Turn {
  readonly before: State | null
  readonly base: Base | null
  readonly outcome: 'stored' | 'slid' | 'untouched' | 'erased' | 'gone'
  /** Minted by this commit. */
  readonly newSecret: string | null
}

interface Job {
  readonly secret: Shown
  readonly held: Held
  readonly change: Change
  readonly options: SaveOptions
  readonly resolve: (turn: Turn) => void
  readonly reject: (error: unknown) => void
}

interface Played {
  readonly job: Job
  readonly before: State | null
  readonly after: State | null
  readonly newSecret: string | null
}

const attemptsMax = 64

export class Turns {
  readonly #config: KeeperConfig
  readonly #guard: Guard
  readonly #queues = new Map<string, Job[]>()

  constructor(config: KeeperConfig, guard: Guard) {
    this.#config = config
    this.#guard = guard
  }

  /** Applies a change to the newest state of a stored session. */
  take(held: Held, secret: Shown, change: Change, options: SaveOptions): Promise<Turn> {
    return new Promise((resolve, reject) => {
      const job: Job = { held, secret, change, options, resolve, reject }
      const { id } = held.state
      const queue = this.#queues.get(id)
      if (queue !== undefined) queue.push(job)
      else {
        this.#queues.set(id, [job])
        void this.#drain(id)
      }
    })
  }

  async #drain(id: string): Promise<void> {
    const queue = this.#queues.get(id) as Job[]
    const { state, expiresAt, version } = (queue[0] as Job).held
    let base: Base | null | 'unknown' = version === null ? 'unknown' : { state, expiresAt, version }
    while (queue.length > 0) {
      const jobs = queue.splice(0)
      try {
        base = await this.#settle(id, jobs, base)
      } catch (error) {
        base = 'unknown'
        for (const job of jobs) job.reject(error)
      }
    }
    this.#queues.delete(id)
  }

  /** One write for all jobs. Answers what the row is afterwards. */
  async #settle(id: string, jobs: readonly Job[], known: Base | null | 'unknown'): Promise<Base | null> {
    let base = known
    let waiting = jobs
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (base === 'unknown') base = await loadBase(this.#config, this.#guard, id)
      else if (base !== null && this.#isOver(base)) base = null
      const played = await this.#play(waiting, base)
      const written = await this.#write(id, base, played)
      if (written !== 'lost') {
        for (const one of played) one.job.resolve(turnOf(one, base, written))
        return written
      }
      base = 'unknown'
      // Whoever was told that it failed must not be written by a later attempt.
      waiting = played.map(({ job }) => job)
      if (attempt > 2) await this.#pause(attempt)
    }
    throw new CoatcheckError('store_unavailable', `other processes won every one of ${attemptsMax} attempts to write this session`)
  }

  /** Replays the jobs one after another. A job that fails is told so, and leaves no trace for the next. */
  async #play(jobs: readonly Job[], base: Base | null): Promise<Played[]> {
    const { schema } = this.#config
    const played: Played[] = []
    let state = base === null ? null : base.state
    for (const job of jobs) {
      try {
        const one = this.#playOne(job, state)
        const checking = one.after === null || one.after === state ? undefined : schema.check(one.after)
        if (checking !== undefined) await checking
        if (one.before !== null) state = one.after
        played.push(one)
      } catch (error) {
        job.reject(error)
      }
    }
    return played
  }

  #playOne(job: Job, state: State | null): Played {
    const nothing = { job, before: null, after: null, newSecret: null }
    if (state === null) return nothing
    const { clock, terms, random } = this.#config
    const nowMs = clock()
    const standing = standingOf(job.secret.secretHash, state, nowMs)
    if (standing === 'none' || standing === 'reused') return nothing
    const { change } = job
    if (change.destroy) return { job, before: state, after: null, newSecret: null }
    const after = replay(state, change, job.options.opened, nowMs, terms)
    // Whoever still holds the secret before a rotation finds it done: two at once have one successor.
    const rotates = standing === 'overdue' || (change.rotateGraceMs !== null && standing === 'current')
    if (change.signIn === null && !rotates) return { job, before: state, after, newSecret: null }
    const newSecret = mintSecret(random)
    const until = nowMs + (change.rotateGraceMs ?? defaultGraceMs)
    const previous = change.signIn === null ? { secretHash: state.secretHash, until, seen: false } : null
    return { job, before: state, after: { ...after, secretHash: hashOf(newSecret), previous }, newSecret }
  }

  async #write(id: string, base: Base | null, played: readonly Played[]): Promise<Base | null | 'lost'> {
    if (base === null || played.every((one) => one.before === null)) return base
    if (played.some((one) => one.before !== null && one.after === null)) {
      await this.#guard.delete(id)
      return null
    }
    const state = played.findLast((one) => one.after !== null)?.after ?? base.state
    // The guard has told onEvent. A request that only read has lost nothing by a timeout that did not move.
    return state === base.state ? this.#slide(base).catch(() => base) : this.#put(state, base.version)
  }

  /** Somebody may have been told already that a session is over; a request that began in time does not bring it back. */
  #isOver({ state, expiresAt }: Base): boolean {
    const { clock, lifetime } = this.#config
    return endedBy(state, expiresAt, clock(), lifetime) !== null
  }

  async #slide(base: Base): Promise<Base | null | 'lost'> {
    const { clock, lifetime } = this.#config
    const { state, version } = base
    const nowMs = clock()
    if (!touchDue(state.createdAt, base.expiresAt, nowMs, lifetime)) return base
    const { store } = this.#guard
    const { touch } = store
    if (touch === undefined) return this.#put(state, version)
    const expiresAt = nextExpiry(state.createdAt, nowMs, lifetime)
    const moved = await this.#guard.run('touch', () => touch.call(store, state.id, expiresAt))
    return moved ? { ...base, expiresAt } : null
  }

  async #put(state: State, expected: string): Promise<Base | 'lost'> {
    const row = rowOf(this.#config, state)
    const version = await this.#guard.put(row, expected)
    return version === null ? 'lost' : { state, expiresAt: row.expiresAt, version }
  }

  #pause(attempt: number): Promise<void> {
    const [dice = 0] = draw(this.#config.random, 1)
    const delayMs = (dice / 256) * Math.min(attempt, 20)
    return new Promise((resolve) => this.#config.timers.set(resolve, delayMs))
  }
}

/** How long the secret before a rotation goes on working when nobody says. */
export const defaultGraceMs = 30_000

function turnOf(one: Played, base: Base | null, written: Base | null): Turn {
  const { before, after, newSecret } = one
  if (before !== null && after === null) return { before, base: null, outcome: 'erased', newSecret: null }
  if (before === null || written === null) return { before: null, base: null, outcome: 'gone', newSecret: null }
  const moved = base !== null && written.expiresAt !== base.expiresAt
  return { before, base: written, outcome: after !== before ? 'stored' : moved ? 'slid' : 'untouched', newSecret }
}
