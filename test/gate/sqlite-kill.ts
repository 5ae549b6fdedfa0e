// node test/gate/sqlite-kill.ts: no acknowledged write is lost, and no session revived, when writers, and who sweeps, die at any moment (K-01, K-07, K-08).
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { killRounds } from './sqlite-kill-rounds.ts'

const help = `node test/gate/sqlite-kill.ts [options]

Starts writers on one SQLite file, and a process that sweeps, vacuums and empties the log; kills all at a random moment, reopens the file and compares it with what they were told.

  --rounds n    how often (100)
  --writers n   processes that write at the same time (2)
  --seed n      repeats a run as far as the machine does (random)
  --help        this text`

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    writers: { type: 'string', default: '2' },
    seed: { type: 'string', default: `${randomInt(2 ** 31)}` },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(help)
else process.exitCode = await main(Number(values.rounds), Number(values.writers), Number(values.seed))

async function main(rounds: number, writers: number, seed: number): Promise<number> {
  console.log(`seed ${seed}, ${rounds} rounds, ${writers} writers`)
  const reports = await killRounds({
    rounds,
    writers,
    seed,
    report: ({ round, acknowledged, killedAfterMs, killedAt, reopenedMs, lost }) => {
      console.log(
        `round ${round}: killed after ${killedAfterMs} ms in a ${killedAt}, ${acknowledged} writes acknowledged, reopened in ${reopenedMs.toFixed(1)} ms, ${lost.length} lost`,
      )
      for (const one of lost) console.log(`  ${one}`)
    },
  })
  const lost = reports.reduce((sum, one) => sum + one.lost.length, 0)
  console.table({
    rounds,
    'writes acknowledged': reports.reduce((sum, one) => sum + one.acknowledged, 0),
    'writes lost or sessions revived': lost,
    'slowest reopening, ms': Math.ceil(Math.max(...reports.map(({ reopenedMs }) => reopenedMs))),
  })
  return lost === 0 ? 0 : 1
}
