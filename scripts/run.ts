import { execFile } from 'node:child_process'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

export interface Ran {
  readonly code: number
  readonly stdout: string
  /** Both streams, for a person to read. */
  readonly output: string
}

export interface RunOptions {
  /** Defaults to the root of the repository. */
  readonly cwd?: string
  readonly timeoutMs?: number
  /** Runs it as somebody else. */
  readonly owner?: { readonly uid: number; readonly gid: number } | null
}

/** Runs a program, the repository's own tools and Node first on its PATH. Failing is an answer, not having the program is an error. */
export function run(command: string, args: readonly string[], { cwd = root, timeoutMs = 60_000, owner }: RunOptions = {}): Promise<Ran> {
  const path = [dirname(process.execPath), join(root, 'node_modules', '.bin'), process.env['PATH']].join(delimiter)
  const env = { ...process.env, PATH: path, NO_COLOR: '1', FORCE_COLOR: '0' }
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd, env, timeout: timeoutMs, maxBuffer: 32 * 1024 * 1024, ...owner }, (error, stdout, stderr) => {
      if (error && error.code !== undefined && typeof error.code !== 'number') return reject(error)
      const killed = error?.killed ? `\n${command} was still running after ${timeoutMs} ms` : ''
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, output: `${stdout}${stderr}${killed}`.trim() })
    })
  })
}
