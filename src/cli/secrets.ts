/** Secrets come from files and environment variables, never from a command line. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { usage, type Io } from './io.ts'

/** The old system's secrets, newest first. Throws with exit code 2. */
export function readSecrets(files: readonly string[], variables: readonly string[], io: Pick<Io, 'cwd' | 'env'>): string[] {
  return [...files.map((file) => fromFile(file, io.cwd)), ...variables.map((name) => fromVariable(name, io.env))]
}

function fromFile(file: string, cwd: string): string {
  let secret: string
  try {
    secret = readPrivate(resolve(cwd, file), file)
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (typeof code !== 'string') throw error
    throw usage(`--secret-file ${file} cannot be read (${code})`)
  }
  if (secret === '') throw usage(`--secret-file ${file} is empty; put the old application's secret into it, and nothing else`)
  return secret
}

/** Without the line end that editors put there. */
function readPrivate(path: string, file: string): string {
  const handle = openSync(path, 'r')
  try {
    // Of the file that is open, not of what stands under its name by now. On Windows a mode says nothing.
    const stat = fstatSync(handle)
    if (process.platform !== 'win32' && stat.isFile() && (stat.mode & 0o077) !== 0)
      throw usage(`--secret-file ${file} can be read by others on this machine; type: chmod 600 ${file}`)
    return readFileSync(handle, 'utf8').replace(/\r?\n$/, '')
  } finally {
    closeSync(handle)
  }
}

function fromVariable(name: string, env: Io['env']): string {
  const secret = env[name]
  if (secret) return secret
  throw usage(`--secret-env ${name}: there is no environment variable ${name}, or it is empty`)
}
