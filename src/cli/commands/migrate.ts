/** `coatcheck migrate`: moves the stored sessions of another system, in bulk. */
import { withoutSecrets } from '../address.ts'
import { helpOf } from '../arguments.ts'
import { failureOf, within } from '../failure.ts'
import { CliError, exits, type Io } from '../io.ts'
import { sources } from '../sources/index.ts'
import { amount, quoted } from '../text.ts'
import { optionWords, planOf, table, type Plan } from './migrate/options.ts'
import { doneOf, startProgress } from './migrate/progress.ts'
import { noReport, openReport } from './migrate/report.ts'
import { State, type Standing } from './migrate/state.ts'
import { summaryOf } from './migrate/summary.ts'
import { fromAddresses, fromConfig, type Target } from './migrate/target.ts'
import { walkAll, type Walked } from './migrate/walk.ts'

const closeMs = 5_000

/** For the help of the whole. */
export const about = "move the stored sessions of another system into an application's store"

/** Runs the command; answers what the process ends with. Throws a `CliError`. */
export async function migrate(args: readonly string[], io: Io): Promise<number> {
  const plan = planOf(args, io)
  if (plan === null) {
    io.stdout.write(helpText())
    return exits.done
  }
  const stop = stopOf(io)
  try {
    return await moved(plan, args, io, stop)
  } catch (error) {
    throw safe(failureOf(error, 'the move'), plan)
  } finally {
    stop.forget()
  }
}

interface Stop {
  asked(): boolean
  /** Waits for what comes before the first page, of which nothing has to be finished. */
  before<T>(opening: Promise<T>): Promise<T>
  forget(): void
}

function stopOf(io: Io): Stop {
  let [asked, begun] = [false, false]
  let endNow: () => void = () => {}
  const early = new Promise<never>((_, reject) => {
    endNow = () => reject(new CliError(exits.stopped, 'Stopped before the first page was begun.'))
  })
  early.catch(() => null)
  const forget = io.onStop(() => {
    if (!begun) return endNow()
    if (!asked) io.stderr.write('\nFinishing this page. Once more, and it ends at once.\n')
    asked = true
  })
  return {
    asked: () => asked,
    async before(opening) {
      const opened = await Promise.race([opening, early])
      begun = true
      return opened
    },
    forget,
  }
}

async function moved(plan: Plan, args: readonly string[], io: Io, stop: Stop): Promise<number> {
  const { place } = plan
  const target = await stop.before('file' in place ? fromConfig(place, io.cwd) : fromAddresses(place, plan.dryRun))
  try {
    return await walked(plan, target, args, io, stop.asked)
  } finally {
    // What waits for an answer that never comes must not keep the process.
    await within(closeMs, 'closing', target.close()).catch(() => null)
  }
}

async function walked(plan: Plan, target: Target, args: readonly string[], io: Io, stopped: () => boolean): Promise<number> {
  const { dryRun, limit } = plan
  const startedAt = io.clock()
  const state = new State(io.cwd, target.move)
  const from = dryRun ? null : standingOf(plan, state, io)
  const report = plan.report === null ? noReport : openReport(plan.report, io.cwd, from?.reportBytes ?? 0)
  const progress = startProgress(io, from === null ? 0 : doneOf(from))
  progress.say(`${dryRun ? 'Reading' : 'Moving'} the sessions of ${target.from} to ${target.to}.`)
  for (const note of target.notes) progress.say(note)
  let saved: Standing | null = from
  const save = (standing: Standing): void => state.save((saved = standing))
  let result: Walked
  try {
    const page = (options: Parameters<Target['page']>[0]) => target.page(options)
    result = await walkAll({ page, from, limit, dryRun, report, progress, save, stopped })
  } catch (error) {
    const { exit, message } = failureOf(error, 'a store failed')
    throw new CliError(exit, `${message}${saved === null ? '' : `\n${howToResume(args, doneOf(saved))}`}`)
  } finally {
    progress.end()
    report.close()
  }
  if (!result.finished) {
    io.stderr.write(`${saved === null ? 'Stopped before the first page was done.' : howToResume(args, doneOf(saved))}\n`)
    return exits.stopped
  }
  if (!dryRun) state.remove()
  const { from: source, to } = target
  io.stdout.write(summaryOf({ walked: result, from: source, to, dryRun, report: plan.report, spentMs: io.clock() - startedAt }, io))
  return result.refused > 0 ? exits.refused : exits.done
}

function standingOf({ resume }: Plan, state: State, io: Io): Standing | null {
  const standing = state.read()
  if (resume && standing === null) io.stderr.write('There is nothing to resume: this begins at the beginning.\n')
  if (resume || standing === null) return standing
  io.stderr.write(
    `An earlier run has stopped after ${amount(doneOf(standing))}; --resume would go on there. This begins anew: what has moved is known.\n`,
  )
  return null
}

function howToResume(args: readonly string[], done: number): string {
  const again = args.includes('--resume') ? args : [...args, '--resume']
  return `Stopped after ${amount(done)} sessions. Go on with:\n  npx coatcheck migrate ${again.map(quoted).join(' ')}`
}

/** Clients quote their addresses. */
function safe({ exit, message }: CliError, { place }: Plan): CliError {
  if ('file' in place) return new CliError(exit, message)
  const { settings, to } = place
  return new CliError(exit, withoutSecrets(message, settings.url === null ? [to] : [settings.url, to], settings.secrets))
}

function helpText(): string {
  const width = Math.max(...Object.keys(sources).map(({ length }) => length)) + 2
  const names = Object.entries(sources).map(([name, { holds, needs, takes }]) => {
    const options = [...needs.map(optionWords), ...takes.map((option) => `[${optionWords(option)}]`)]
    return `  ${name.padEnd(width)}${holds}\n${' '.repeat(width + 2)}${options.join(' ')}`
  })
  return `coatcheck migrate: ${about}

  npx coatcheck migrate --config ./sessions.js [--from <system>]
  npx coatcheck migrate --from <source> --from-url <address> --to <address>

Visitors who arrive meanwhile move by themselves, and nobody is moved twice. The old store stays as it is.
Without --config nobody is signed in unless you add --signed-in, and the application must have no map and no schema.

Options
${helpOf(table)}

Sources
${names.join('\n')}

Ends with 0: all moved; 1: some were refused; 2: something here is wrong; 3: a store failed; 130: stopped by Ctrl-C.
`
}
