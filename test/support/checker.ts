/**
 * Is there one order of these calls, true to their times, in which a sequential session (model.ts) would have answered the same?
 *
 * The search of Wing and Gong (1993) with Lowe's memo of places it has been to. Calls that can never change anything are taken as
 * soon as they fit, which loses no order: whatever follows could have followed then, too. So only writes that overlap are tried.
 */
import { after, afterUnknown, isRead, keyOf, type Action, type Model } from './model.ts'

/** One call as a client saw it. Times are of one clock for all clients. */
export interface Call {
  readonly client: string
  readonly start: number
  /** Without an answer: Infinity. */
  readonly end: number
  /** The ticket it came with. */
  readonly ticket: string
  readonly action: Action
  /** `'unknown'`: it failed, so it may have taken effect once, at any time after `start`, or never. */
  readonly answer: 'known' | 'unknown'
}

export type Verdict =
  | { readonly ok: true; readonly order: readonly Call[] }
  /** The longest order that fits, the session after it, and the calls of which none could come next. */
  | { readonly ok: false; readonly order: readonly Call[]; readonly model: Model; readonly stuck: readonly Call[] }

/** More places than any history of ours needs by a factor of a hundred; over it a verdict is not worth waiting for. */
const placesMax = 1_000_000

/** Checks the calls to one session. Throws when it would have to search for too long. */
export function check(born: Model, calls: readonly Call[]): Verdict {
  return new Search(calls).run(born)
}

interface Place {
  readonly model: Model
  /** Which calls have had their turn. */
  readonly done: bigint
  readonly order: readonly number[]
}

class Search {
  readonly #calls: readonly Call[]
  readonly #required: bigint
  readonly #been = new Set<string>()
  readonly #places: ReadonlyMap<string, number>
  #longest: Place | null = null

  constructor(calls: readonly Call[]) {
    this.#calls = calls.toSorted((a, b) => a.start - b.start)
    this.#places = placesSeen(calls)
    this.#required = this.#calls.reduce((bits, { answer }, i) => (answer === 'known' ? bits | bit(i) : bits), 0n)
  }

  run(born: Model): Verdict {
    const open: Place[] = [{ model: born, done: 0n, order: [] }]
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      const here = this.#takeReads(place)
      if ((here.done & this.#required) === this.#required) return { ok: true, order: this.#callsOf(here) }
      if (here.order.length > (this.#longest?.order.length ?? -1)) this.#longest = here
      const name = `${here.done.toString(36)} ${keyOf(here.model)}`
      if (this.#been.has(name)) continue
      this.#been.add(name)
      if (this.#been.size > placesMax) throw new Error(`over ${placesMax} places in a history of ${this.#calls.length} calls`)
      // The last one pushed is tried first.
      for (const i of this.#inLikelyOrder(this.#next(here.done)).toReversed()) open.push(...this.#turn(here, i))
    }
    const { model, done, order } = this.#longest as Place
    const stuck = this.#next(done).map((i) => this.#calls[i] as Call)
    return { ok: false, order: order.map((i) => this.#calls[i] as Call), model, stuck }
  }

  /** The calls that may come next: those that began before any of the others had ended. */
  #next(done: bigint): number[] {
    let firstEnd = Number.POSITIVE_INFINITY
    const next: number[] = []
    for (const [i, { start, end }] of this.#calls.entries()) {
      if (start > firstEnd) break
      if ((done & bit(i)) !== 0n) continue
      next.push(i)
      firstEnd = Math.min(firstEnd, end)
    }
    return next.filter((i) => (this.#calls[i] as Call).start <= firstEnd)
  }

  /** By their beginning; those that append among themselves as somebody saw the list later, or twelve at once would take for ever. */
  #inLikelyOrder(next: readonly number[]): number[] {
    const placeOf = (i: number): number | undefined => appendedBy((this.#calls[i] as Call).action).map((item) => this.#places.get(item))[0]
    const appending = next.filter((i) => placeOf(i) !== undefined).toSorted((a, b) => Number(placeOf(a)) - Number(placeOf(b)))
    return next.map((i) => (placeOf(i) === undefined ? i : (appending.shift() as number)))
  }

  #takeReads(place: Place): Place {
    let { done } = place
    const order = [...place.order]
    for (let more = true; more;) {
      more = false
      for (const i of this.#next(done)) {
        const { ticket, action, answer } = this.#calls[i] as Call
        if (answer === 'unknown' || !isRead(action) || after(place.model, ticket, action) === null) continue
        done |= bit(i)
        order.push(i)
        more = true
      }
    }
    return { model: place.model, done, order }
  }

  #turn({ model, done, order }: Place, i: number): Place[] {
    const { ticket, action, answer } = this.#calls[i] as Call
    const next = answer === 'known' ? after(model, ticket, action) : afterUnknown(model, ticket, action, `lost ${i}`)
    if (next === null || (answer === 'unknown' && keyOf(next) === keyOf(model))) return []
    return [{ model: next, done: done | bit(i), order: [...order, i] }]
  }

  #callsOf({ order }: Place): Call[] {
    return order.map((i) => this.#calls[i] as Call)
  }
}

function appendedBy(action: Action): string[] {
  if (action.kind !== 'commit') return []
  return action.edits.flatMap((edit) => (edit.kind === 'append' ? [edit.item] : edit.kind === 'flash' ? [edit.message] : []))
}

/** Where items stood in the lists that were seen. */
function placesSeen(calls: readonly Call[]): Map<string, number> {
  const lists = calls.flatMap(({ action }) =>
    action.kind === 'flashes' ? [action.got] : action.kind === 'read' ? Object.values(action.saw?.values ?? {}).filter(Array.isArray) : [],
  ) as (readonly string[])[]
  return new Map(lists.flatMap((list) => list.map((item, at): [string, number] => [item, at])))
}

function bit(i: number): bigint {
  return 1n << BigInt(i)
}

/** A verdict that is not ok, for a person. */
export function explain({ order, model, stuck }: Verdict & { ok: false }): string {
  const line = ({ client, start, end, ticket, action, answer }: Call): string =>
    `  ${client} [${start}, ${end}] …${ticket.slice(-4)} ${answer === 'unknown' ? 'failed: ' : ''}${JSON.stringify(action)}`
  return [
    `no order explains this. The last that fit:`,
    ...order.slice(-12).map(line),
    `then the session is ${JSON.stringify(model)}`,
    'and none of these could come next:',
    ...stuck.map(line),
  ].join('\n')
}
