/** What the programs of the gate have in common: options, progress, and the rows they print for the table. */
import { parseArgs } from 'node:util'

export interface Row {
  readonly what: string
  readonly many: string
  /** What there must be none of, such as `lost updates`. */
  readonly zero: string
  readonly wrong: number
  /** For a person: the first few are printed. */
  readonly problems: readonly string[]
}

export interface GateOptions {
  readonly count: number
  readonly seed: number
  /** Nothing new is begun after so long; the row says how many there were. */
  readonly secondsMax?: number | undefined
  /** Tells how far it is. */
  progress(done: number): void
}

const problemsShown = 3

/** Says when the time is up. */
export function stopwatch(secondsMax = Number.POSITIVE_INFINITY): () => boolean {
  const began = performance.now()
  return () => performance.now() - began > secondsMax * 1000
}

/** Google's client goes on with a read after it was closed, where nobody can catch what that throws. */
export function outliveGoogle(): void {
  process.on('unhandledRejection', (error) => {
    if (!String(error).includes('already been terminated')) throw error
  })
}

/** The line of a table; columns: what, how many, must be none, found, seconds. */
export function lineOf({ what, many, zero, wrong }: Row, seconds: number): string {
  return `| ${what} | ${many} | ${zero} | ${wrong === 0 ? '0' : `**${wrong}**`} | ${seconds.toFixed(1)} |`
}

/**
 * Runs a program of the gate when its module was started as one: prints its rows, and ends with code 1 when anything is wrong.
 * Imported by a test, it does nothing.
 */
export async function gate(
  module: ImportMeta,
  defaults: { readonly count: number; readonly seed: number },
  run: (options: GateOptions) => AsyncIterable<Row>,
): Promise<void> {
  if (!module.main) return
  const { values } = parseArgs({ options: { count: { type: 'string' }, seed: { type: 'string' } } })
  const count = Number(values.count ?? defaults.count)
  const seed = Number(values.seed ?? defaults.seed)
  let shownAt = 0
  const progress = (done: number): void => {
    if (!process.stderr.isTTY || performance.now() - shownAt < 250) return
    shownAt = performance.now()
    process.stderr.write(`\r${done} of ${count}\x1b[K${done === count ? '\r\x1b[K' : ''}`)
  }
  // The engine's own timers keep no process alive, and these programs have no server that would.
  const alive = setInterval(() => {}, 60_000)
  let before = performance.now()
  for await (const row of run({ count, seed, progress })) {
    const now = performance.now()
    console.log(lineOf(row, (now - before) / 1000))
    before = now
    for (const problem of row.problems.slice(0, problemsShown)) console.error(problem)
    if (row.wrong > 0) process.exitCode = 1
  }
  clearInterval(alive)
}
