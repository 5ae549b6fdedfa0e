/** Old applications in other languages, each a process that listens. */
import { join } from 'node:path'
import { launch, type Server } from '../../scripts/servers/launch.ts'
import { root } from '../../scripts/source.ts'
import { filled } from './two-applications.ts'

interface OldProgram {
  readonly name: string
  /** The program and its arguments, given the port. */
  readonly command: (port: number, folder: string) => readonly [program: string, ...args: string[]]
  readonly env?: Readonly<Record<string, string>>
}

/** Starts one. Its `/set` puts {@link filled} into the session, which it has from its environment; its `/` shows that as JSON. */
export function oldProgram({ name, command, env = {} }: OldProgram): Promise<Server> {
  return launch({ name, url: (port) => `http://127.0.0.1:${port}`, command, env: { FILLED: JSON.stringify(filled), ...env } })
}

/** A file of test/. */
export function inTest(...path: string[]): string {
  return join(root, 'test', ...path)
}
