import { CoatcheckError } from '../core/errors.ts'
import { applyOutgoing } from '../http/outgoing.ts'
import type { Outgoing, Visit } from '../http/types.ts'
import { asError, type Method, type NodeResponse, refuseHeader, removeHeader, takeHead } from './node-response.ts'

/*
 * Holds a Node response back until its session is stored. Nothing leaves early: not the head, not a byte of the body.
 *
 *   idle ── writeHead, flushHeaders, write, end ──▶ held ── stored ──▶ open ── end, once late edits are stored ──▶ ended
 *     ▲                                              │
 *     └────────── refused: the queue is dropped ─────┘  (once, for the framework's error path)
 *
 * Calls made while held wait in a queue and are replayed in order. Meanwhile the response answers as Node's does when its
 * head has left (headersSent, writableEnded, a setHeader that throws, a write that answers false), so that frameworks
 * notice a second answer as they always do. Informational responses (1xx) do not pass here.
 */

const gateOf = Symbol('coatcheck.gate')

/** Headers that describe the body that was dropped; left over, they would frame the error answer wrongly. */
const bodyHeaders = ['Content-Length', 'Content-Encoding', 'Content-Range', 'ETag', 'Last-Modified', 'Trailer', 'Transfer-Encoding']

type Gated = 'writeHead' | 'flushHeaders' | 'write' | 'end'
type GatedResponse = NodeResponse & { [gateOf]: NodeGate }

const gate = (res: NodeResponse): NodeGate => (res as GatedResponse)[gateOf]

/** Whom to tell that the session could not be stored. Nothing has left then, and the response is as good as new. */
export interface GateOwner {
  fail(error: unknown): void
}

export class NodeGate {
  readonly #visit: Visit
  readonly #res: NodeResponse
  readonly #owner: GateOwner
  readonly #passing: Record<Gated, Method>
  readonly #queue: { readonly name: Gated; readonly args: unknown[] }[] = []
  #stage: 'idle' | 'held' | 'open' | 'ended'
  #status = 200
  #committed: boolean
  #refused = false
  #settled = false
  #drainOwed = false
  #setters: readonly [Method, Method, Method] | undefined
  #told: Outgoing | undefined

  /** `open: true` when somebody else commits, or the head has left: only the end then waits, for late edits. */
  constructor(visit: Visit, response: object, owner: GateOwner, open: boolean) {
    const res = response as GatedResponse
    this.#visit = visit
    this.#res = res
    this.#owner = owner
    this.#stage = open ? 'open' : 'idle'
    this.#committed = open
    this.#passing = { writeHead: res.writeHead, flushHeaders: res.flushHeaders, write: res.write, end: res.end }
    res[gateOf] = this
    res.writeHead = writeHead
    res.flushHeaders = flushHeaders
    res.write = write
    res.end = end
  }

  /** `true`: the caller commits and sets the headers itself, from now on only the end waits. `false`: too late for that. */
  claim(): boolean {
    if (this.#stage !== 'idle') return false
    this.#stage = 'open'
    this.#committed = true
    return true
  }

  /** What the commit of whoever claimed has to say. Once more when the head leaves: whoever stands further out may set headers until then. */
  tell(outgoing: Outgoing): void {
    this.#told = outgoing
    applyOutgoing(outgoing, this)
  }

  get idle(): boolean {
    return this.#stage === 'idle'
  }

  get held(): boolean {
    return this.#stage === 'held'
  }

  get ending(): boolean {
    return this.#queue.some((call) => call.name === 'end')
  }

  call(name: Gated, args: unknown[]): unknown {
    if (name === 'writeHead' && (this.#stage === 'idle' || this.#told !== undefined)) args = takeHead(this.#res, args)
    if (this.#stage === 'idle') this.#tryAtOnce()
    else if (name === 'writeHead' && this.#told !== undefined) applyOutgoing(this.#told, this)
    // Somebody still writes into the answer that was dropped, and the error answer took its place.
    if (this.#stage === 'ended' && this.#refused) return name === 'write' ? false : this.#res
    if (this.#stage === 'ended' || (this.#stage === 'open' && !(name === 'end' && this.#visit.unsettled))) return this.#pass(name, args)
    if (this.#stage === 'held' && name === 'writeHead') refuseHeader()
    this.#queue.push({ name, args })
    if (this.#stage === 'idle') this.#hold()
    else if (this.#stage === 'open') this.#settle()
    if (name !== 'write') return this.#res
    this.#drainOwed = true
    return false
  }

  /** With nothing to store there is nothing to hold the response for. */
  #tryAtOnce(): void {
    const outgoing = this.#visit.commitAtOnce()
    if (outgoing === null) return
    this.#committed = true
    this.#stage = 'open'
    applyOutgoing(outgoing, this)
  }

  #pass(name: Gated, args: unknown[]): unknown {
    // Node's own end and write come back through writeHead when the head was only implied: the stage changes after them.
    const answer = this.#passing[name].apply(this.#res, args)
    if (name === 'end') this.#stage = 'ended'
    return answer
  }

  #hold(): void {
    this.#stage = 'held'
    this.#status = this.#res.statusCode
    this.#freeze()
    this.#visit.commit(this.#status).then(
      (outgoing) => this.#release(outgoing),
      (error: unknown) => this.#refuse(error),
    )
  }

  #release(outgoing: Outgoing): void {
    this.#committed = true
    this.#thaw()
    this.#res.statusCode = this.#status
    try {
      applyOutgoing(outgoing, this)
      this.#replay()
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** Runs the queue. An `end` in it waits for `settled`, and whatever comes behind waits with it. */
  #replay(): void {
    this.#stage = 'open'
    let flowing: unknown = true
    for (let call = this.#queue[0]; call !== undefined; call = this.#queue[0]) {
      if (call.name === 'end' && !this.#settled && this.#visit.unsettled) return this.#settle()
      this.#queue.shift()
      flowing = this.#pass(call.name, call.args)
    }
    if (!this.#drainOwed || this.#stage !== 'open') return
    this.#drainOwed = false
    // When the socket is full Node emits it by itself.
    if (flowing !== false) this.#res.emit('drain')
  }

  #settle(): void {
    this.#stage = 'held'
    this.#freeze()
    this.#visit.settled().then(
      () => this.#finish(),
      // The head may have left: a cut connection is the one way to say that the answer does not hold.
      (error: unknown) => void this.#res.destroy(asError(error)),
    )
  }

  #finish(): void {
    this.#settled = true
    this.#thaw()
    try {
      this.#replay()
    } catch (error) {
      this.#refuse(error)
    }
  }

  #refuse(error: unknown): void {
    this.#thaw()
    const res = this.#res
    const dropped = this.#queue.splice(0)
    for (const { args } of dropped) {
      const done = args.at(-1)
      if (typeof done === 'function') queueMicrotask(() => done(error))
    }
    this.#stage = this.#committed ? 'open' : 'idle'
    if (this.#refused || res.headersSent) return void res.destroy(asError(error))
    this.#refused = true
    this.#drainOwed = false
    res.statusCode = error instanceof CoatcheckError ? error.status : 500
    for (const name of bodyHeaders) removeHeader(res, name)
    this.#owner.fail(error)
  }

  #freeze(): void {
    const res = this.#res
    // Not before: most responses are never held. One by one: `defineProperties` costs five times as much, and slows the object down.
    if (!Object.hasOwn(res, 'headersSent')) {
      Object.defineProperty(res, 'headersSent', headersSent)
      Object.defineProperty(res, 'writableEnded', writableEnded)
    }
    this.#setters = [res.setHeader, res.appendHeader, res.removeHeader]
    res.setHeader = res.appendHeader = res.removeHeader = refuseHeader
  }

  #thaw(): void {
    if (this.#setters === undefined) return
    const res = this.#res
    ;[res.setHeader, res.appendHeader, res.removeHeader] = this.#setters
    this.#setters = undefined
  }

  get(name: string): string | string[] | undefined {
    const value = this.#res.getHeader(name)
    return typeof value === 'number' ? String(value) : value
  }

  set(name: string, value: string | readonly string[]): void {
    this.#res.setHeader(name, value)
  }
}

// Shared by all responses: a closure for each would cost every request that asks for its session four allocations.

function calling(name: Gated): Method {
  return function (this: NodeResponse, ...args) {
    return gate(this).call(name, args)
  }
}

const [writeHead, flushHeaders, write, end] = [calling('writeHead'), calling('flushHeaders'), calling('write'), calling('end')]

const headersSent: PropertyDescriptor & ThisType<NodeResponse> = {
  configurable: true,
  get(): unknown {
    return gate(this).held || Reflect.get(Object.getPrototypeOf(this), 'headersSent', this)
  },
}

const writableEnded: PropertyDescriptor & ThisType<NodeResponse> = {
  configurable: true,
  get(): unknown {
    return gate(this).ending || Reflect.get(Object.getPrototypeOf(this), 'writableEnded', this)
  },
}
