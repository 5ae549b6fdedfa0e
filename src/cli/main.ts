#!/usr/bin/env node
/** The program. */
import { runCli } from './cli.ts'
import { exits, type Io } from './io.ts'

const io: Io = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  clock: Date.now,
  onStop(asked) {
    let times = 0
    const heard = (): void => {
      if (++times > 1) process.exit(exits.stopped)
      asked()
    }
    process.on('SIGINT', heard).on('SIGTERM', heard)
    return () => void process.off('SIGINT', heard).off('SIGTERM', heard)
  },
}

// Whoever read this has gone (`| head`); the move goes on.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
const exit = await runCli(process.argv.slice(2), io)
// A module of the application may have left connections open, which would keep the process; but what was written must be out.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => void stream.write('', done))))
process.exit(exit)
