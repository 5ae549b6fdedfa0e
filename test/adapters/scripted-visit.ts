import type { Session } from '../../src/core/session.ts'
import type { Outgoing, RequestHead, Visit } from '../../src/http/types.ts'

export const quiet: Outgoing = { outcome: 'untouched', setCookies: [], headers: [], vary: null }
export const withCookie: Outgoing = { outcome: 'stored', setCookies: ['session=ours; Path=/'], headers: [], vary: 'Cookie' }

/** A promise and the two functions that end it. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>
  resolve(value: Value): void
  reject(error: unknown): void
}

export function deferred<Value = void>(): Deferred<Value> {
  let ends: Pick<Deferred<Value>, 'resolve' | 'reject'> | undefined
  const promise = new Promise<Value>((resolve, reject) => (ends = { resolve, reject }))
  return { promise, resolve: (value) => ends?.resolve(value), reject: (error) => ends?.reject(error) }
}

/** A visit whose commit and settling end when, and as, a test says. */
export class ScriptedVisit implements Visit {
  readonly asked = true
  readonly commits: (number | undefined)[] = []
  readonly heads: RequestHead[] = []
  unsettled = true
  /** What `commitAtOnce` answers, each time it is called. */
  atOnce: Outgoing | null = null
  atOnceCalls = 0
  settlings = 0
  readonly committing = deferred<Outgoing>()
  settling = deferred()

  /** By default both succeed at once. */
  constructor(outgoing: Outgoing | 'waits' = quiet) {
    if (outgoing !== 'waits') this.committing.resolve(outgoing)
    this.settling.resolve()
  }

  visit(head: RequestHead): Visit {
    this.heads.push(head)
    return this
  }

  async session<Data extends object>(): Promise<Session<Data>> {
    return {} as Session<Data>
  }

  commit(status?: number): Promise<Outgoing> {
    this.commits.push(status)
    return this.committing.promise
  }

  commitAtOnce(): Outgoing | null {
    this.atOnceCalls++
    return this.atOnce
  }

  settled(): Promise<void> {
    this.settlings++
    return this.settling.promise
  }
}
