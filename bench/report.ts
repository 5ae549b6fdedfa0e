import { readFileSync, writeFileSync } from 'node:fs'
import { budgetList } from './budgets.ts'
import { cores } from './children.ts'
import { routes } from './messages.ts'
import type { Figures, Spread } from './stats.ts'

export interface Circumstances {
  readonly command: string
  readonly node: string
  readonly coreCount: number
  readonly pinned: boolean
  readonly rounds: number
  readonly seconds: number
}

const begin = '<!-- bench: written by the command below, do not edit -->'
const end = '<!-- bench: end -->'

export function markdown(figures: readonly Figures[], circumstances: Circumstances): string {
  const { command, node, coreCount, pinned, rounds, seconds } = circumstances
  const pinning = pinned ? `server and load pinned to one core each${storesCore(figures)}` : 'not pinned: no `taskset` here'
  return [
    `\`${command}\`: ${coreCount} cores, Node ${node}, ${rounds} rounds of ${seconds} s per route, ${pinning}. ${quiet(figures)}`,
    '',
    ...sessionTable(figures),
    '',
    ...storeTable(figures),
    ...bareTable(figures),
    '',
    ...budgetList(figures),
  ].join('\n')
}

function storesCore(figures: readonly Figures[]): string {
  if (figures.every(({ store }) => store === null)) return ''
  return cores.store === cores.load ? ", the stores' servers to the load's" : ", the stores' servers to a third"
}

/** Who waits for a disk or for another server says nothing about the machine. */
function quiet(figures: readonly Figures[]): string {
  const telling = figures.filter(({ name, store }) => store === null && !name.includes('sqlite'))
  if (telling.length === 0) return ''
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

function storeTable(figures: readonly Figures[]): string[] {
  const rows = figures
    .filter(({ store }) => store !== null)
    .toSorted((a, b) => (a.store === b.store ? byFramework(a, b) : a.store === 'redis' ? -1 : 1))
    .map(({ name, on, calls, perSecond }) => {
      const asked = routes.map((route) => callsText(calls?.[route] ?? {}))
      return `| ${[name, on, ...asked, spreadText(perSecond.read), spreadText(perSecond.write)].join(' | ')} |`
    })
  if (rows.length === 0) return []
  return [
    '| with a store on a server | on | commands, untouched | read | write | req/s with the store, read | write |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ]
}

function callsText(calls: Readonly<Record<string, number>>): string {
  const names = Object.entries(calls)
    .filter(([, count]) => count >= 0.005)
    .toSorted()
  return names.length === 0 ? '0' : names.map(([name, count]) => `${Number(count.toFixed(2))} ${name}`).join(' + ')
}

function bareTable(figures: readonly Figures[]): string[] {
  const rows = figures
    .filter(({ kind }) => kind === 'bare')
    .map(({ name, cpuMicros }) => `| ${name} | ${routes.map((route) => spreadText(cpuMicros[route])).join(' | ')} |`)
  return ['| framework | untouched, µs | read | write |', '| --- | --- | --- | --- |', ...rows]
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
