/** Which command is meant. A new one is a file in commands/ and a line in the table. */
import { readFileSync } from 'node:fs'
import { about, migrate } from './commands/migrate.ts'
import { CliError, exits, type Io } from './io.ts'
import { messageOf } from './failure.ts'
import { didYouMean } from './nearest.ts'

interface Command {
  readonly about: string
  run(args: readonly string[], io: Io): Promise<number>
}

const commands: Readonly<Record<string, Command>> = {
  migrate: { about, run: migrate },
}

/** Runs a command line; answers what the process ends with. Never throws. */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  const [name, ...others] = args
  try {
    if (name === '--help' || name === '-h' || name === 'help') return said(io, helpText())
    if (name === '--version' || name === '-v') return said(io, `${version()}\n`)
    if (name === undefined) throw new CliError(exits.usage, `which command?\n\n${helpText()}`)
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (command !== undefined) return await command.run(others, io)
    throw new CliError(exits.usage, `there is no command ${name}${didYouMean(name, Object.keys(commands))}\nSee coatcheck --help`)
  } catch (error) {
    io.stderr.write(`coatcheck: ${messageOf(error).trimEnd()}\n`)
    return error instanceof CliError ? error.exit : exits.store
  }
}

function said(io: Io, text: string): number {
  io.stdout.write(text)
  return exits.done
}

function helpText(): string {
  const lines = Object.entries(commands).map(([name, command]) => `  coatcheck ${name.padEnd(10)}${command.about}`)
  return `coatcheck: sessions for TypeScript servers

${lines.join('\n')}

  coatcheck <command> --help    what it takes
  coatcheck --version
`
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  return manifest.version
}
