/**
 * Commits of one session take turns inside a process: while one write is under way the others wait, then all of them are replayed
 * on its result and written as one. Compare-and-swap is left to lose against other processes only.
 */
import type { State } from './body.ts'
import { isEmpty, replay, type Change } from './change.ts'
import { CoatcheckError } from './errors.ts'
import type { Guard } from './guard.ts'
import type { Held, KeeperConfig, SaveOptions, Shown } from './keeper.ts'
import { endedBy, nextExpiry, touchDue } from './lifetime.ts'
import { previousOf, standingOf, standingOfShown, withSeen } from './rights.ts'
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
  failed: boolean
}

interface Played {
  readonly job: Job
  readonly before: State | null
  readonly after: State | null
  readonly newSecret: string | null
}

type Written = Base | null | 'lost'

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
      const job: Job = { held, secret, change, options, resolve, reject, failed: false }
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
    let atOnceMax = Number.POSITIVE_INFINITY
    while (queue.length > 0) {
      const jobs = queue.splice(0, atOnceMax)
      try {
        base = await this.#settle(id, jobs, base)
      } catch (error) {
        base = 'unknown'
        const left = jobs.filter(({ failed }) => !failed)
        // One of them asks too much: from here on each is written for itself, and only that one fails.
        const oneByOne = left.length > 1 && error instanceof CoatcheckError && error.code === 'session_too_large'
        if (oneByOne) queue.unshift(...left)
        else for (const job of left) job.reject(error)
        atOnceMax = oneByOne ? 1 : atOnceMax
      }
    }
    this.#queues.delete(id)
  }

  /** One write for all jobs. Answers what the row is afterwards. */
  async #settle(id: string, jobs: readonly Job[], known: Base | null | 'unknown'): Promise<Base | null> {
    let base = known
    let fresh = false
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (base === 'unknown' || (!fresh && base !== null && this.#isOver(base))) {
        base = await loadBase(this.#config, this.#guard, id)
        fresh = true
      }
      let played = this.#play(jobs, base)
      if (this.#config.schema.strict) played = await this.#checked(played, base)
      const written = fresh || isProven(base, played) ? await this.#write(id, base, played) : 'lost'
      if (written !== 'lost') {
        const nowMs = this.#config.clock()
        for (const one of played) one.job.resolve(turnOf(one, base, written, nowMs))
        return written
      }
      base = 'unknown'
      if (attempt > 2) await this.#pause(attempt)
    }
    throw new CoatcheckError('store_unavailable', `other processes won every one of ${attemptsMax} attempts to write this session`)
  }

  /** Replays the jobs one after another. A job that fails is told so, and leaves no trace for the next. */
  #play(jobs: readonly Job[], base: Base | null): Played[] {
    const played: Played[] = []
    let state = base === null ? null : base.state
    for (const job of jobs) {
      // Whoever was told that it failed must not be written by a later attempt.
      if (job.failed) continue
      try {
        const one = this.#playOne(job, state)
        if (one.before !== null) state = one.after
        played.push(one)
      } catch (error) {
        fail(job, error)
      }
    }
    return played
  }

  /** The same without the jobs whose outcome the schema refuses. */
  async #checked(played: Played[], base: Base | null): Promise<Played[]> {
    for (const { job, before, after } of played) {
      if (after === null || after === before) continue
      try {
        await this.#config.schema.check(after)
      } catch (error) {
        fail(job, error)
        const others = played.map((one) => one.job)
        return this.#checked(this.#play(others, base), base)
      }
    }
    return played
  }

  #playOne(job: Job, state: State | null): Played {
    const nothing = { job, before: null, after: null, newSecret: null }
    if (state === null) return nothing
    const { clock, terms, random } = this.#config
    const nowMs = clock()
    const standing = standingOfShown(job.secret, state, nowMs)
    if (standing === 'none' || standing === 'reused') return nothing
    const { change } = job
    if (change.destroy) return { job, before: state, after: null, newSecret: null }
    const edited = replay(state, change, job.options.opened, nowMs, terms)
    const after = standing === 'current' ? withSeen(edited) : edited
    // Whoever still holds the secret before a rotation finds it done: two at once have one successor.
    const asked = standing === 'current' || job.secret.byOldCookie === true
    const rotates = asked ? change.rotateGraceMs !== null : standing === 'overdue' && isRenewed(job, nowMs)
    if (change.signIn === null && !rotates) return { job, before: state, after, newSecret: null }
    const newSecret = mintSecret(random)
    const until = nowMs + (change.rotateGraceMs ?? defaultGraceMs)
    const previous = change.signIn === null ? previousOf(job.secret.secretHash, state, until) : null
    return { job, before: state, after: { ...after, secretHash: hashOf(newSecret), previous }, newSecret }
  }

  #write(id: string, base: Base | null, played: readonly Played[]): Written | Promise<Written> {
    if (base === null || played.every((one) => one.before === null)) return base
    if (played.some((one) => one.before !== null && one.after === null)) return this.#guard.delete(id).then(() => null)
    const state = played.findLast((one) => one.after !== null)?.after ?? base.state
    // The guard has told onEvent. A request that only read has lost nothing by a timeout that did not move.
    return state === base.state ? this.#slide(base).catch(() => base) : this.#put(state, base.version)
  }

  /**
   * Somebody may have been told already that a session is over; a request that began in time does not bring it back. But somebody
   * else may have used it meanwhile: only the store knows.
   */
  #isOver({ state, expiresAt }: Base): boolean {
    const { clock, lifetime } = this.#config
    return endedBy(state, expiresAt, clock(), lifetime) !== null
  }

  async #slide(base: Base): Promise<Written> {
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

  #put(state: State, expected: string): Promise<Base | 'lost'> {
    const row = rowOf(this.#config, state)
    return this.#guard.put(row, expected).then((version) => (version === null ? 'lost' : { state, expiresAt: row.expiresAt, version }))
  }

  #pause(attempt: number): Promise<void> {
    const [dice = 0] = draw(this.#config.random, 1)
    const delayMs = (dice / 256) * Math.min(attempt, 20)
    return new Promise((resolve) => this.#config.timers.set(resolve, delayMs))
  }
}

/** How long the secret before a rotation goes on working when nobody says. */
export const defaultGraceMs = 30_000

/**
 * Whether a base may judge these jobs without having been read for them. A write proves it by compare-and-swap. Where nothing is
 * written, one that was handed on may be older than what a job has seen: its write was slow to be answered, and others came after it.
 */
function isProven(base: Base | null, played: readonly Played[]): boolean {
  if (base === null || played.some(({ before, after }) => before !== after)) return true
  return played.every(({ job, before }) => job.held.version === base.version || (before !== null && isEmpty(job.change)))
}

/** Not for a request that began before the rotation: the successor is on its way to its client in another response. */
function isRenewed({ secret, held, options }: Job, nowMs: number): boolean {
  return options.mayRenew && standingOf(secret.secretHash, held.state, nowMs) !== 'current'
}

function turnOf(one: Played, base: Base | null, written: Base | null, nowMs: number): Turn {
  const { before, after, newSecret } = one
  if (before !== null && after === null) return { before, base: null, outcome: 'erased', newSecret: null }
  if (before === null || written === null) return { before: null, base: null, outcome: 'gone', newSecret: null }
  const moved = base !== null && written.expiresAt !== base.expiresAt
  const outcome = after !== before ? 'stored' : moved ? 'slid' : 'untouched'
  // A sign-in written together with it: what the row says now is no longer for this request to see.
  const shown = newSecret === null ? one.job.secret : { secretHash: hashOf(newSecret) }
  if (written.state !== after && standingOfShown(shown, written.state, nowMs) === 'none')
    return { before, base: null, outcome, newSecret: null }
  return { before, base: written, outcome, newSecret }
}

function fail(job: Job, error: unknown): void {
  job.failed = true
  job.reject(error)
}
