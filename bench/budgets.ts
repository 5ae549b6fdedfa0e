import { type Route, routes } from './messages.ts'
import type { Figures } from './stats.ts'

/** What coatcheck may cost above its bare framework, in microseconds of CPU per request. */
const budgets: Record<string, Record<Route, number>> = {
  memory: { untouched: 2, read: 8, write: 12 },
  sqlite: { untouched: 2, read: 20, write: 30 },
  sealed: { untouched: 2, read: 13, write: 27 },
  'redis, node': { untouched: 2, read: 18, write: 30 },
  'redis, express': { untouched: 2, read: 25, write: 37 },
}

/** How many commands a store on a server may be sent for one request: none written by a read. */
const callsMax: Record<Route, number> = { untouched: 0, read: 1, write: 2 }

/** How many times what another subject takes or does. */
const comparisons: readonly {
  readonly name: string
  readonly with: string
  readonly route: Route
  readonly timesMin?: number
  readonly timesMax?: number
  readonly of: (figures: Figures, route: Route) => number | undefined
}[] = [
  { name: 'coatcheck, near cache, node', with: 'coatcheck, memory, node', route: 'read', timesMax: 1.5, of: aboveBare },
  { name: 'coatcheck, postgres, express', with: 'express-session, postgres', route: 'read', timesMin: 2, of: perSecond },
  { name: 'coatcheck, postgres, express', with: 'express-session, postgres', route: 'write', timesMin: 2, of: perSecond },
]

/** What was met and what was missed, one line for each of our subjects. */
export function budgetList(figures: readonly Figures[]): string[] {
  return figures.flatMap((one) => {
    if (one.kind !== 'ours') return []
    const verdicts = [...routes.flatMap((route) => costVerdict(one, route)), ...callsVerdict(one), ...comparisonVerdicts(one, figures)]
    return verdicts.length === 0 ? [] : [`* ${one.name}: ${verdicts.join('; ')}`]
  })
}

function costVerdict(one: Figures, route: Route): string[] {
  const carrier = Object.keys(budgets).find((key) => one.name.includes(key))
  const budget = carrier === undefined ? undefined : budgets[carrier]?.[route]
  const median = aboveBare(one, route)
  if (budget === undefined || median === undefined) return []
  return [`${route} ≤ ${budget} ${metBy(budget - median)}`]
}

function callsVerdict({ calls }: Figures): string[] {
  if (calls === null) return []
  const over = routes.map((route) => hundredths(Object.values(calls[route]).reduce((sum, count) => sum + count, 0)) - callsMax[route])
  return [`store commands ≤ ${routes.map((route) => callsMax[route]).join(', ')} ${metBy(-Math.max(...over))}`]
}

function comparisonVerdicts(one: Figures, figures: readonly Figures[]): string[] {
  return comparisons.flatMap(({ name, with: other, route, timesMin, timesMax, of }) => {
    const theirs = figures.find((each) => each.name === other)
    const own = name === one.name ? of(one, route) : undefined
    const base = theirs && of(theirs, route)
    if (own === undefined || base === undefined) return []
    const times = own / base
    const wanted = timesMax === undefined ? `≥ ${timesMin}` : `≤ ${timesMax}`
    return [
      `${route} ${times.toFixed(1)} × ${other}, ${wanted} ${metBy(timesMax === undefined ? times - (timesMin ?? 0) : timesMax - times)}`,
    ]
  })
}

function aboveBare({ aboveBareMicros }: Figures, route: Route): number | undefined {
  return aboveBareMicros?.[route].median
}

function perSecond(figures: Figures, route: Route): number {
  return figures.perSecond[route].median
}

/** A statistic of the whole server has a stray command now and then. */
function hundredths(number: number): number {
  return Math.round(number * 100) / 100
}

/** `room`: how much is left. */
function metBy(room: number): string {
  return room >= 0 ? 'met' : `**missed by ${(-room).toFixed(1)}**`
}
