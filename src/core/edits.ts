/** The pencil marks of one request: what it set, deleted, updated and borrowed, until a commit collects them. */
import type { State } from './body.ts'
import type { Change, KeyChange, Updater } from './change.ts'
import { CoatcheckError } from './errors.ts'
import { valueEnded } from './lifetime.ts'
import { decodeValue, encodeValue, shortKey, type ValueLimits } from './values.ts'

type Mark =
  | { kind: 'set'; value: unknown; until: number | null }
  | { kind: 'delete' }
  // `text` is the value as the last run left it, when it is an object: one changed in place afterwards is stored as it is.
  | { kind: 'update'; value: unknown; runs: Updater[]; text: string | null }

/** A session's values as its handler sees them: the opened state under the marks made since. */
export class Edits {
  /** What the marks stand on. */
  state: State
  readonly #limits: ValueLimits
  readonly #now: () => number
  readonly #unreadable: (key: string) => void
  #cleared = false
  readonly #marks = new Map<string, Mark>()
  /** Objects handed out by `get`, which the handler may change in place: compared with the state at commit. */
  readonly #lent = new Map<string, object>()

  constructor(state: State, limits: ValueLimits, now: () => number, unreadable: (key: string) => void) {
    this.state = state
    this.#limits = limits
    this.#now = now
    this.#unreadable = unreadable
  }

  get(key: string): unknown {
    const mark = this.#marks.get(key)
    if (mark !== undefined) return mark.kind === 'delete' ? undefined : mark.value
    const lent = this.#lent.get(key)
    if (lent !== undefined) return lent
    const value = this.#decode(key)
    if (isObject(value)) this.#lent.set(key, value)
    return value
  }

  has(key: string): boolean {
    const mark = this.#marks.get(key)
    return mark === undefined ? this.#stored(key) !== undefined : mark.kind !== 'delete'
  }

  /** Whether this request has set, deleted or updated it. */
  edited(key: string): boolean {
    return this.#marks.has(key)
  }

  keys(): string[] {
    const keys = this.state.values.keys.filter((key) => this.has(key))
    for (const [key, mark] of this.#marks) if (mark.kind !== 'delete' && !this.state.values.has(key)) keys.push(key)
    return keys
  }

  set(key: string, value: unknown, until: number | null): void {
    if (typeof key !== 'string') throw new CoatcheckError('value_invalid', 'a session key must be a string')
    if (typeof value === 'function' || typeof value === 'symbol') encodeValue(key, value, this.#limits)
    this.#marks.set(key, { kind: 'set', value, until })
    this.#lent.delete(key)
  }

  delete(key: string): boolean {
    const had = this.has(key)
    if (had) this.#marks.set(key, { kind: 'delete' })
    this.#lent.delete(key)
    return had
  }

  clear(): void {
    this.#cleared = true
    this.#marks.clear()
    this.#lent.clear()
  }

  /** Forgets what was edited or borrowed under other keys than these. */
  keepOnly(keys: readonly string[]): void {
    for (const key of this.keys()) if (!keys.includes(key)) this.delete(key)
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
      this.#marks.set(key, { kind: 'set', value, until: mark?.kind === 'set' ? mark.until : null })
    } else {
      const runs = mark?.kind === 'update' ? [...mark.runs, run] : [run]
      this.#marks.set(key, { kind: 'update', value, runs, text: isObject(value) ? encodeValue(key, value, this.#limits) : null })
    }
    this.#lent.delete(key)
    return value
  }

  /** What has been edited, encoded: from here on the handler's objects are not looked at. */
  collect(): Pick<Change, 'cleared' | 'keys'> | null {
    let keys: Map<string, KeyChange> | null = null
    for (const [key, mark] of this.#marks) {
      keys ??= new Map()
      if (mark.kind === 'set') keys.set(key, { kind: 'set', text: encodeValue(key, mark.value, this.#limits), until: mark.until })
      else if (mark.kind === 'delete') keys.set(key, mark)
      else keys.set(key, this.#asChange(key, mark))
    }
    for (const [key, value] of this.#lent) {
      const text = encodeValue(key, value, this.#limits)
      if (text === this.state.values.get(key)) continue
      keys ??= new Map()
      keys.set(key, { kind: 'set', text, until: this.state.until.get(key) ?? null })
    }
    return keys === null && !this.#cleared ? null : { cleared: this.#cleared, keys: keys ?? new Map() }
  }

  /** Starts over on what a commit has stored. */
  rebase(state: State): void {
    for (const [key, mark] of this.#marks) if (mark.kind !== 'delete' && isObject(mark.value)) this.#lent.set(key, mark.value)
    for (const [key, value] of this.#lent) {
      if (encodeValue(key, value, this.#limits) !== state.values.get(key)) this.#lent.delete(key)
    }
    this.state = state
    this.#cleared = false
    this.#marks.clear()
  }

  /** One key was taken by a commit of its own; the other marks stay. */
  forget(key: string): void {
    this.#marks.delete(key)
    this.#lent.delete(key)
    this.state = { ...this.state, values: this.state.values.with(key, undefined) }
  }

  #asChange(key: string, mark: Mark & { kind: 'update' }): KeyChange {
    if (mark.text === null) return mark
    const text = encodeValue(key, mark.value, this.#limits)
    return text === mark.text ? mark : { kind: 'set', text, until: this.state.until.get(key) ?? null }
  }

  #changedLoan(key: string): Mark | undefined {
    const lent = this.#lent.get(key)
    if (lent === undefined || encodeValue(key, lent, this.#limits) === this.state.values.get(key)) return undefined
    return { kind: 'set', value: lent, until: this.state.until.get(key) ?? null }
  }

  #stored(key: string): string | undefined {
    return this.#cleared || valueEnded(this.state, key, this.#now()) ? undefined : this.state.values.get(key)
  }

  #decode(key: string): unknown {
    const text = this.#stored(key)
    if (text === undefined) return undefined
    try {
      return decodeValue(text)
    } catch {
      this.#unreadable(key)
      return undefined
    }
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
