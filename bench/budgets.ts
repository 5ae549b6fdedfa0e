import type { Route } from './messages.ts'
import type { Figures } from './stats.ts'

/** What coatcheck may cost above its bare framework, in microseconds of CPU per request. */
const budgets: Record<string, Record<Route, number>> = {
  memory: { untouched: 2, read: 8, write: 12 },
  sqlite: { untouched: 2, read: 20, write: 30 },
  sealed: { untouched: 2, read: 13, write: 27 },
}

/** `null` for other people's subjects. */
export function budgetOf({ name, kind }: Figures, route: Route): number | null {
  if (kind !== 'ours') return null
  const carrier = Object.keys(budgets).find((key) => name.includes(key))
  return carrier === undefined ? null : (budgets[carrier]?.[route] ?? null)
}
