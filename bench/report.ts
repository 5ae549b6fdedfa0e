import { readFileSync, writeFileSync } from 'node:fs'
import { budgetOf } from './budgets.ts'
import { type Route, routes } from './messages.ts'
import type { Figures, Spread } from './stats.ts'

export interface Circumstances {
  readonly command: string
  readonly node: string
  readonly cores: number
  readonly pinned: boolean
  readonly rounds: number
  readonly seconds: number
}

const begin = '<!-- bench: written by the command below, do not edit -->'
const end = '<!-- bench: end -->'

export function markdown(figures: readonly Figures[], circumstances: Circumstances): string {
  const { command, node, cores, pinned, rounds, seconds } = circumstances
  const pinning = pinned ? 'server and load pinned to one core each' : 'not pinned: no `taskset` here'
  return [
    `\`${command}\`: ${cores} cores, Node ${node}, ${rounds} rounds of ${seconds} s per route, ${pinning}. ${quiet(figures)}`,
    '',
    ...sessionTable(figures),
    '',
    ...bareTable(figures),
    '',
    ...budgetList(figures),
  ].join('\n')
}

/** A durable store waits for its disk, so it says nothing about the machine. */
function quiet(figures: readonly Figures[]): string {
  const telling = figures.filter(({ name }) => !name.includes('sqlite'))
  const starved = telling.reduce((sum, figure) => sum + figure.starved, 0) / telling.length
  return `In ${percent(starved)} of the runs the server had work for less than nine tenths of the time.`
}

/** Replaces what stands between the markers of a page. */
export function writeBetweenMarkers(file: string, text: string): void {
  const page = readFileSync(file, 'utf8')
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`${file} lacks the lines "${begin}" and "${end}"`)
  writeFileSync(file, `${page.slice(0, from)}${begin}\n\n${text}\n\n${page.slice(to)}`)
}

function sessionTable(figures: readonly Figures[]): string[] {
  const sorted = figures.filter(({ aboveBareMicros }) => aboveBareMicros !== null).toSorted(byFramework)
  const rows = sorted.map(({ name, on, cookieBytes, aboveBareMicros, shareOfBare }) => {
    const cells = routes.map((route) => (aboveBareMicros === null ? '' : spreadText(aboveBareMicros[route])))
    return `| ${name} | ${on} | ${cells.join(' | ')} | ${percent(shareOfBare?.read)} | ${cookieBytes} |`
  })
  return [
    '| session layer | on | untouched, µs above bare | read | write | req/s of bare, read | Cookie header, bytes |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ]
}

function bareTable(figures: readonly Figures[]): string[] {
  const rows = figures
    .filter(({ kind }) => kind === 'bare')
    .map(({ name, cpuMicros }) => `| ${name} | ${routes.map((route) => spreadText(cpuMicros[route])).join(' | ')} |`)
  return ['| framework | untouched, µs | read | write |', '| --- | --- | --- | --- |', ...rows]
}

function budgetList(figures: readonly Figures[]): string[] {
  return figures.flatMap((one) => {
    const verdicts = routes.flatMap((route) => verdict(one, route) ?? [])
    return verdicts.length === 0 ? [] : [`* ${one.name}: ${verdicts.join('; ')}`]
  })
}

function verdict(one: Figures, route: Route): string | null {
  const budget = budgetOf(one, route)
  const median = one.aboveBareMicros?.[route].median
  if (budget === null || median === undefined) return null
  const over = median - budget
  return over <= 0 ? `${route} ≤ ${budget} met` : `${route} ≤ ${budget} **missed by ${over.toFixed(1)}**`
}

const kinds: readonly Figures['kind'][] = ['ours', 'floor', 'peer', 'bare']

function byFramework(a: Figures, b: Figures): number {
  return a.on === b.on ? kinds.indexOf(a.kind) - kinds.indexOf(b.kind) : a.on === 'node' ? -1 : b.on === 'node' ? 1 : a.on < b.on ? -1 : 1
}

function spreadText({ median, low, high }: Spread): string {
  return `${short(median)} (${short(low)}–${short(high)})`
}

function short(micros: number): string {
  return Math.abs(micros) < 99.95 ? micros.toFixed(1) : micros.toLocaleString('en', { maximumFractionDigits: 0 })
}

function percent(share: number | undefined): string {
  return share === undefined ? '' : `${(share * 100).toFixed(share > 0 && share < 0.01 ? 1 : 0)} %`
}
