/** What an application sees of a store whose connection breaks, operation by operation, and what is in the store afterwards. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CoatcheckError, createSessions, type Sessions, type SessionStore } from '../../src/index.ts'
import { secret } from '../support/backends.ts'
import { type FaultProxy, faultProxy, type TcpFault } from '../support/fault-proxy.ts'
import { Visitor } from '../support/visitor.ts'
import type { OpenedProfile, StoreProfile } from './profile.ts'

type Any = Record<string, unknown>

export const faults: Readonly<Record<string, TcpFault>> = {
  'F-05 half-open connection': { kind: 'blackhole' },
  'F-06 reset': { kind: 'reset' },
  'F-06 reply sliced into bytes': { kind: 'slice' },
  'F-06 reply cut after 3 bytes': { kind: 'cut', bytes: 3 },
  'F-06 reply stalls after 3 bytes': { kind: 'stall', bytes: 3 },
  'F-07 reply lost, write done': { kind: 'lose-reply' },
  'F-04 replies 50 ms late': { kind: 'latency', ms: 50 },
}

export const operations = ['load', 'save', 'create', 'destroy', 'slide', 'list'] as const
export type Operation = (typeof operations)[number]

/** What happened: `answered`, or the code of the error; how long that took, and how long until all was well again. */
export interface Verdict {
  readonly answer: string
  readonly tookMs: number
  readonly backMs: number
  /** What should not have been. */
  readonly problems: readonly string[]
}

const deadlineMs = 500
const backMsMax = 5_000

/** A store behind a proxy, and the same rows without it. */
export class FaultyPlace {
  readonly #proxy: FaultProxy
  readonly #behind: OpenedProfile
  readonly #direct: OpenedProfile
  #nowMs = Date.now()
  readonly #sessions: Sessions<Any>
  readonly #truth: Sessions<Any>

  private constructor(proxy: FaultProxy, behind: OpenedProfile, direct: OpenedProfile) {
    this.#proxy = proxy
    this.#behind = behind
    this.#direct = direct
    this.#sessions = this.#sessionsOn(behind.store)
    this.#truth = this.#sessionsOn(direct.store)
  }

  static async open(profile: StoreProfile, urls: readonly string[]): Promise<FaultyPlace> {
    const [first = '', ...others] = urls
    const { port } = new URL(first)
    const proxy = await faultProxy(Number(port))
    const behind = await profile.open([first.replace(`:${port}`, `:${proxy.port}`), ...others])
    return new FaultyPlace(proxy, behind, await profile.open(urls))
  }

  /** Whether the store can list a user's sessions. */
  get lists(): boolean {
    return this.#direct.store.guarantees.userIndex
  }

  async close(): Promise<void> {
    this.#proxy.set(null)
    await Promise.all([this.#behind.close(), this.#direct.close()])
    await this.#proxy.close()
  }

  async try(fault: TcpFault, operation: Operation): Promise<Verdict> {
    const user = `user-${crypto.randomUUID()}`
    const visitor = new Visitor(this.#sessions)
    await visitor.visit((session) => session.set('n', 0).signIn(user))
    this.#nowMs += 120_000
    this.#proxy.set(fault)
    const began = performance.now()
    const answer = await this.#run(operation, visitor, user).then(
      (said) => said,
      (error: unknown) => (error instanceof CoatcheckError ? error.code : `unexpected ${String(error)}`),
    )
    const tookMs = performance.now() - began
    this.#proxy.set(null)
    const backMs = await this.#untilBack(visitor, operation)
    const problems = await this.#problems(operation, answer, visitor, user)
    if (tookMs > 3 * deadlineMs) problems.push(`answered after ${tookMs.toFixed()} ms, with a deadline of ${deadlineMs}`)
    if (backMs > backMsMax) problems.push(`not back within ${backMsMax} ms`)
    return { answer, tookMs, backMs, problems }
  }

  async #run(operation: Operation, visitor: Visitor, user: string): Promise<string> {
    switch (operation) {
      case 'load': {
        const { result } = await visitor.visit((session) => ({ isNew: session.isNew, n: session.get('n') }))
        return result.isNew || result.n !== 0 ? `a wrong session: ${JSON.stringify(result)}` : 'answered'
      }
      case 'save':
        await visitor.visit((session) => session.update('n', (n) => Number(n) + 1))
        return 'answered'
      case 'create':
        await new Visitor(this.#sessions).visit((session) => session.set('n', 1).signIn(user))
        return 'answered'
      case 'destroy':
        await visitor.clone().visit((session) => session.destroy())
        return 'answered'
      case 'slide':
        await visitor.visit((session) => session.get('n'))
        return 'answered'
      case 'list': {
        const listed = await this.#sessions.list(user)
        return listed.length === 1 ? 'answered' : `${listed.length} sessions instead of 1`
      }
    }
  }

  /** How long until a read succeeds again, without anybody restarting anything. */
  async #untilBack(visitor: Visitor, operation: Operation): Promise<number> {
    const began = performance.now()
    for (;;) {
      const back = await visitor
        .clone()
        .visit((session) => operation === 'destroy' || session.get('n') !== undefined)
        .then(
          ({ result }) => result,
          () => false,
        )
      const waitedMs = performance.now() - began
      if (back || waitedMs > backMsMax) return waitedMs
      await sleep(10)
    }
  }

  /** Nothing half done, nothing done twice, nothing promised and not kept. */
  async #problems(operation: Operation, answer: string, visitor: Visitor, user: string): Promise<string[]> {
    const problems = /^(answered|store_unavailable|store_overloaded)$/.test(answer) ? [] : [answer]
    const session = await this.#truth.peek(visitor.cookie)
    const n = session?.get('n')
    if (operation === 'destroy') {
      if (answer === 'answered' && session !== null) problems.push('alive after an acknowledged destroy')
    } else if (session === null) problems.push('the session is gone')
    else if (operation === 'save' && answer === 'answered' ? n !== 1 : n !== 0 && !(operation === 'save' && n === 1)) {
      problems.push(`the counter is ${String(n)}`)
    }
    if (!this.lists) return problems
    const listed = await this.#truth.list(user)
    const most = operation === 'create' ? 2 : 1
    if (listed.length > most) problems.push(`${listed.length} sessions of one user`)
    if (operation === 'create' && answer === 'answered' && listed.length !== 2) problems.push('an acknowledged session is not listed')
    return problems
  }

  #sessionsOn(store: SessionStore): Sessions<Any> {
    return createSessions<Any>({ secret, store, clock: () => this.#nowMs, storeDeadline: deadlineMs })
  }
}
