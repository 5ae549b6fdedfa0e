/** The pencil marks of one request: what it set, deleted, updated and borrowed, until a commit collects them. */
import type { State } from './body.ts'
import { checkEdits, withEnd, type Change, type KeyChange, type Terms, type Updater } from './change.ts'
import { CoatcheckError } from './errors.ts'
import { valueEnded } from './lifetime.ts'
import type { SessionPort } from './session-port.ts'
import { noTexts } from './texts.ts'
import { decodeValue, encodeValue, shortKey } from './values.ts'

type Mark =
  | { kind: 'set'; value: unknown; until: number | null }
  | { kind: 'delete' }
  // `text` is the value as the last run left it, when it is an object: one changed in place afterwards is stored as it is.
  | { kind: 'update'; value: unknown; runs: Updater[]; text: string | null }

const noEnds: State['until'] = new Map()
const anyLimits = { depthMax: 1_000, nodesMax: Number.POSITIVE_INFINITY }
// An empty Map costs 200 bytes, and most sessions are only read: one is made with the first entry.
const noMarks = new Map<string, Mark>()
const noLoans = new Map<string, object>()

/** A session's values as its handler sees them: the opened state under the marks made since. */
export class Edits {
  /** What the marks stand on. */
  state: State
  readonly #limits: Terms['limits']
  readonly #port: SessionPort
  #cleared = false
  #marks = noMarks
  /** Objects handed out by `get`, which the handler may change in place: compared with the state at commit. */
  #lent = noLoans

  constructor(state: State, port: SessionPort) {
    this.state = state
    this.#limits = port.terms.limits
    this.#port = port
  }

  get(key: string): unknown {
    const mark = this.#marks.get(key)
    if (mark !== undefined) return mark.kind === 'delete' ? undefined : mark.value
    const lent = this.#lent.get(key)
    if (lent !== undefined) return lent
    const value = this.#decode(key)
    if (isObject(value)) this.#lend(key, value)
    return value
  }

  has(key: string): boolean {
    const mark = this.#marks.get(key)
    return mark === undefined ? this.#stored(key) !== undefined : mark.kind !== 'delete'
  }

  /** Whether it is stored, and this request has not set, deleted or updated it. */
  stands(key: string): boolean {
    return this.state.values.has(key) && !this.#marks.has(key)
  }

  keys(): string[] {
    const keys = this.state.values.keys.filter((key) => this.has(key))
    for (const [key, mark] of this.#marks) if (mark.kind !== 'delete' && !this.state.values.has(key)) keys.push(key)
    return keys
  }

  set(key: string, value: unknown, until: number | null): void {
    if (typeof key !== 'string') throw new CoatcheckError('value_invalid', 'a session key must be a string')
    if (typeof value === 'function' || typeof value === 'symbol') encodeValue(key, value, this.#limits)
    this.#mark(key, { kind: 'set', value, until })
    this.#lent.delete(key)
  }

  delete(key: string): boolean {
    const had = this.has(key)
    if (had) this.#mark(key, { kind: 'delete' })
    this.#lent.delete(key)
    return had
  }

  clear(): void {
    this.#cleared = true
    this.#marks.clear()
    this.#lent.clear()
  }

  /** Drops all values, none, or all but those under these keys. */
  keep(kept: boolean | readonly string[]): void {
    if (kept === false) this.clear()
    if (typeof kept === 'boolean') return
    for (const key of this.keys()) if (!kept.includes(key)) this.delete(key)
  }

  update(key: string, run: Updater): unknown {
    const mark = this.#marks.get(key) ?? this.#changedLoan(key)
    const before = mark === undefined ? this.#decode(key) : mark.kind === 'delete' ? undefined : mark.value
    const value = run(before)
    if (value instanceof Promise) {
      throw new CoatcheckError(
        'value_invalid',
        `the function given to update("${shortKey(key)}") is asynchronous; await first, then update with a plain function`,
      )
    }
    if (mark === undefined ? this.#cleared : mark.kind !== 'update') {
      this.#mark(key, { kind: 'set', value, until: mark?.kind === 'set' ? mark.until : null })
    } else {
      const runs = mark?.kind === 'update' ? [...mark.runs, run] : [run]
      this.#mark(key, { kind: 'update', value, runs, text: isObject(value) ? encodeValue(key, value, this.#limits) : null })
    }
    this.#lent.delete(key)
    return value
  }

  /** Whether there is something to collect. */
  get changed(): boolean {
    if (this.#cleared || this.#marks.size > 0) return true
    if (this.#lent.size === 0) return false
    try {
      return [...this.#lent].some(([key, value]) => this.#textOf(key, value) !== this.state.values.get(key))
    } catch {
      return true
    }
  }

  /**
   * What has been edited, encoded. The state becomes what it will be when the commit goes through, and the marks begin anew on it:
   * whatever the handler does while its commit is under way is the next one's.
   */
  collect(): Pick<Change, 'cleared' | 'keys'> | null {
    checkEdits(this.#marks, this.state, this.#limits)
    const cleared = this.#cleared
    let { values, until } = cleared ? { values: noTexts, until: noEnds } : this.state
    const keys = new Map<string, KeyChange>()
    const edit = (key: string, change: KeyChange, text: string | undefined): void => {
      keys.set(key, change)
      values = values.with(key, text)
      until = withEnd(until, key, change.kind === 'set' ? change.until : change.kind === 'update' ? this.#end(key) : null)
    }
    for (const [key, mark] of this.#marks) {
      const text = mark.kind === 'delete' ? undefined : encodeValue(key, mark.value, this.#limits)
      edit(key, this.#changeOf(key, mark, text), text)
      if (mark.kind !== 'delete' && isObject(mark.value)) this.#lend(key, mark.value)
    }
    for (const [key, value] of this.#lent) {
      const text = this.#marks.has(key) ? values.get(key) : this.#textOf(key, value)
      if (text !== undefined && text !== values.get(key)) edit(key, { kind: 'set', text, until: until.get(key) ?? null }, text)
    }
    if (keys.size === 0 && !cleared) return null
    this.state = { ...this.state, values, until }
    this.#cleared = false
    this.#marks.clear()
    return { cleared, keys }
  }

  /** Goes on with what a commit has stored, which may hold other requests' changes too. */
  rebase(state: State): void {
    for (const [key, value] of this.#lent) {
      const mine = this.state.values.get(key)
      if (mine !== state.values.get(key) && encodeValue(key, value, this.#limits) === mine) this.#lent.delete(key)
    }
    this.state = state
  }

  /** One key was taken by a commit of its own; the other marks stay. */
  forget(key: string): void {
    this.#marks.delete(key)
    this.#lent.delete(key)
    this.state = { ...this.state, values: this.state.values.with(key, undefined) }
  }

  #mark(key: string, mark: Mark): void {
    if (this.#marks === noMarks) this.#marks = new Map()
    this.#marks.set(key, mark)
  }

  #lend(key: string, value: object): void {
    if (this.#lent === noLoans) this.#lent = new Map()
    this.#lent.set(key, value)
  }

  #changeOf(key: string, mark: Mark, text: string | undefined): KeyChange {
    if (mark.kind === 'set') return { kind: 'set', text: text as string, until: mark.until }
    const untouched = mark.kind === 'delete' || mark.text === null || mark.text === text
    return untouched ? mark : { kind: 'set', text: text as string, until: this.#end(key) }
  }

  /** A lent value as it would be stored. What was stored under higher limits and stands as it was is no edit. */
  #textOf(key: string, value: object): string {
    try {
      return encodeValue(key, value, this.#limits)
    } catch (error) {
      const text = this.state.values.get(key)
      if (text !== undefined && encodeValue(key, value, anyLimits) === text) return text
      throw error
    }
  }

  #changedLoan(key: string): Mark | undefined {
    const lent = this.#lent.get(key)
    if (lent === undefined || encodeValue(key, lent, this.#limits) === this.state.values.get(key)) return undefined
    return { kind: 'set', value: lent, until: this.state.until.get(key) ?? null }
  }

  /** When the stored value ends; one that is over leaves no end to the next. */
  #end(key: string): number | null {
    return valueEnded(this.state, key, this.#port.now()) ? null : (this.state.until.get(key) ?? null)
  }

  #stored(key: string): string | undefined {
    return this.#cleared || valueEnded(this.state, key, this.#port.now()) ? undefined : this.state.values.get(key)
  }

  #decode(key: string): unknown {
    const text = this.#stored(key)
    if (text === undefined) return undefined
    try {
      return decodeValue(text)
    } catch {
      this.#port.unreadable(key)
      return undefined
    }
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
