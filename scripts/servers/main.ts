/** npm run servers: starts every server that is on this machine, says where, and ends them at Ctrl-C. */
import { parseArgs } from 'node:util'
import { howToInstall, kindNamed, kinds } from './index.ts'
import type { Server } from './launch.ts'

const help = `npm run servers [-- name …]

Starts the servers that tests and benchmarks talk to, on loopback, on free ports, with their data in temporary folders.
Ctrl-C ends them and removes the folders. Names: ${kinds.map(({ name }) => name).join(', ')}; without one, all that are here.`

const { values, positionals } = parseArgs({ allowPositionals: true, options: { help: { type: 'boolean', default: false } } })
if (values.help) console.log(help)
else await main(positionals)

async function main(names: readonly string[]): Promise<void> {
  const running: Server[] = []
  let stopping: Promise<unknown> | undefined
  const stop = (): void => void (stopping ??= Promise.all(running.map((server) => server.stop())).then(() => process.exit()))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)
  const wanted = names.length === 0 ? kinds : names.map(kindNamed)
  const started = wanted.map(async (kind) => {
    if (!kind.present()) return console.log(`${kind.name.padEnd(12)} ${howToInstall(kind)}`)
    const server = await kind.start()
    running.push(server)
    console.log(`${kind.name.padEnd(12)} ${server.url}`)
  })
  await Promise.all(started)
  if (running.length > 0 && stopping === undefined) console.log('Ctrl-C ends them.')
}
