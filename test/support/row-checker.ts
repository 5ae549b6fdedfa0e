/**
 * Is there one order of these store calls, true to their times, in which a single row would have answered the same?
 *
 * The search of Wing and Gong (1993) with Lowe's memo, as in checker.ts, for stores instead of sessions. A row is known by its body: no
 * two puts of a history have the same, and a version stands for the body it was seen with.
 */

/** A row as a call saw it. */
interface SeenRow {
  readonly body: string
  readonly expiresAt: number
}

export type RowAction =
  | { readonly kind: 'get'; readonly saw: SeenRow | null }
  /** `over`: the body whose version was expected, `null` for nothing. */
  | { readonly kind: 'put'; readonly row: SeenRow; readonly over: string | null; readonly won: boolean }
  | { readonly kind: 'touch'; readonly expiresAt: number; readonly found: boolean }
  | { readonly kind: 'delete' }

export interface RowCall {
  readonly client: string
  readonly start: number
  /** Infinity for a call that failed: it may have taken effect once, at any time after `start`, or never. */
  readonly end: number
  readonly action: RowAction
}

export interface RowRules {
  /** Whether gets must see the expiry that the last put or touch gave. */
  readonly expiry: boolean
  /** Whether a put may lose that met what it expected: whoever is told so reads again. */
  readonly losesForNothing?: boolean
}

/** `null` when there is such an order, otherwise the story for a person. */
export function misfit(calls: readonly RowCall[], rules: RowRules): string | null {
  const sorted = calls.toSorted((a, b) => a.start - b.start)
  const open: { done: bigint; state: SeenRow | null }[] = [{ done: 0n, state: null }]
  const required = sorted.reduce((bits, call, i) => (call.end === Number.POSITIVE_INFINITY ? bits : bits | (1n << BigInt(i))), 0n)
  const been = new Set<string>()
  let longest = { done: -1n, state: null as SeenRow | null, count: -1 }
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { done, state } = place
    if ((done & required) === required) return null
    const name = `${done.toString(36)} ${JSON.stringify(state)}`
    if (been.has(name)) continue
    been.add(name)
    const count = sorted.filter((_, i) => (done & (1n << BigInt(i))) !== 0n).length
    if (count > longest.count) longest = { done, state, count }
    for (const i of nextOf(sorted, done)) {
      const next = after(state, sorted[i] as RowCall, rules)
      if (next !== undefined) open.push({ done: done | (1n << BigInt(i)), state: next })
    }
  }
  const left = sorted.filter((_, i) => (longest.done & (1n << BigInt(i))) === 0n)
  return [
    `no order explains this; after the longest that does the row is ${JSON.stringify(longest.state)} and these are left:`,
    ...left.map(line),
  ].join('\n')
}

/** The calls that may come next: those that began before any of the others had ended. */
function nextOf(calls: readonly RowCall[], done: bigint): number[] {
  const left = calls.flatMap((call, i) => ((done & (1n << BigInt(i))) === 0n ? [{ call, i }] : []))
  const firstEnd = Math.min(...left.map(({ call }) => call.end))
  return left.filter(({ call }) => call.start <= firstEnd).map(({ i }) => i)
}

/** The row after a call that was answered like this; `undefined` when it could not have been. */
function after(state: SeenRow | null, { action, end }: RowCall, rules: RowRules): SeenRow | null | undefined {
  const failed = end === Number.POSITIVE_INFINITY
  switch (action.kind) {
    case 'get':
      return sameRow(state, action.saw, rules) ? state : undefined
    case 'put':
      if (failed) return (state?.body ?? null) === action.over ? action.row : undefined
      if (!action.won && rules.losesForNothing === true) return state
      if (((state?.body ?? null) === action.over) !== action.won) return undefined
      return action.won ? action.row : state
    case 'touch':
      if (!failed && (state !== null) !== action.found) return undefined
      return state === null ? null : { ...state, expiresAt: Math.max(state.expiresAt, action.expiresAt) }
    case 'delete':
      return null
  }
}

function sameRow(a: SeenRow | null, b: SeenRow | null, { expiry }: RowRules): boolean {
  return a?.body === b?.body && (!expiry || a?.expiresAt === b?.expiresAt)
}

function line({ client, start, end, action }: RowCall): string {
  return `  ${client} [${start}, ${end}] ${JSON.stringify(action)}`
}
