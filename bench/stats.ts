import type { Measured } from './measure.ts'
import { type Route, routes } from './messages.ts'
import type { StoreName, Subject } from './subjects/subject.ts'

/** Median and quartiles. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

export interface Figures {
  readonly name: string
  readonly on: Subject['on']
  readonly kind: Subject['kind']
  readonly store: StoreName | null
  readonly cookieBytes: number
  /** Share of the runs in which the server had work for less than nine tenths of the time. */
  readonly starved: number
  /** CPU time per request of the whole process, in microseconds. */
  readonly cpuMicros: Record<Route, Spread>
  /** The same minus the bare framework's in the same round; `null` for a bare framework. */
  readonly aboveBareMicros: Record<Route, Spread> | null
  /** How many requests a saturated core serves, as a share of the bare framework's. */
  readonly shareOfBare: Record<Route, number> | null
  /** Requests per second, with all that takes part at work. */
  readonly perSecond: Record<Route, Spread>
  /** What the store was asked for each request, by name. */
  readonly calls: Measured['calls']
}

export function figuresOf(measured: readonly Measured[]): Figures[] {
  return measured.map((one) => {
    const { name, on, kind } = one.subject
    const bare = kind === 'bare' ? undefined : measured.find(({ subject }) => subject.kind === 'bare' && subject.on === on)
    const runs = routes.flatMap((route) => one.samples[route])
    return {
      name,
      on,
      kind,
      store: one.subject.store ?? null,
      cookieBytes: one.cookieBytes,
      starved: runs.filter(({ busy }) => busy < 0.9).length / runs.length,
      cpuMicros: eachRoute((route) => spreadOf(cpuOf(one, route))),
      aboveBareMicros: bare === undefined ? null : eachRoute((route) => spreadOf(perRound(one, bare, route, (own, base) => own - base))),
      shareOfBare: bare === undefined ? null : eachRoute((route) => spreadOf(perRound(one, bare, route, (own, base) => base / own)).median),
      perSecond: eachRoute((route) => spreadOf(one.samples[route].map(({ perSecond }) => perSecond))),
      calls: one.calls,
    }
  })
}

function perRound(one: Measured, bare: Measured, route: Route, combine: (own: number, bare: number) => number): number[] {
  const bareCpu = cpuOf(bare, route)
  return cpuOf(one, route).map((own, round) => combine(own, bareCpu[round] ?? Number.NaN))
}

function cpuOf({ samples }: Measured, route: Route): number[] {
  return samples[route].map(({ cpuMicros }) => cpuMicros)
}

function eachRoute<T>(make: (route: Route) => T): Record<Route, T> {
  return Object.fromEntries(routes.map((route) => [route, make(route)])) as Record<Route, T>
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) }
}

function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}
