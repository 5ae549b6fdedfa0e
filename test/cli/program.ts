/** The program as somebody runs it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { stateFile, type Standing } from '../../src/cli/commands/migrate/state.ts'
import { root } from '../../scripts/source.ts'
import type { Ran } from './screen.ts'

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ran>
}

interface Surroundings {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  readonly node?: readonly string[]
}

/** Begins `coatcheck <args>`. */
export function started(args: readonly string[], { cwd, env = {}, node = [] }: Surroundings): Running {
  const child = spawn(process.execPath, [...node, join(root, 'src/cli/main.ts'), ...args], {
    cwd,
    env: { ...process.env, CI: '', NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => (said.out += String(chunk)))
  child.stderr.on('data', (chunk) => (said.err += String(chunk)))
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once('error', reject).once('close', (exit) => resolve({ exit: exit ?? -1, ...said }))
  })
  return { child, ended }
}

export function program(args: readonly string[], surroundings: Surroundings): Promise<Ran> {
  return started(args, surroundings).ended
}

/** Where the only move of a folder stands; `null`: none is saved. */
export function standingIn(cwd: string): Standing | null {
  const path = join(cwd, stateFile)
  if (!existsSync(path)) return null
  const { moves } = JSON.parse(readFileSync(path, 'utf8')) as { moves: Record<string, Standing> }
  return Object.values(moves)[0] ?? null
}

/** Waits until some pages are done. */
export async function underWay(cwd: string, { child, ended }: Running, pages = 1): Promise<void> {
  let [seen, cursor] = [0, '']
  while (seen < pages) {
    if (child.exitCode !== null) throw new Error(`it ended before it could be interrupted: ${JSON.stringify(await ended)}`)
    const standing = standingIn(cwd)
    if (standing !== null && standing.cursor !== cursor) [seen, cursor] = [seen + 1, standing.cursor]
    await wait(1)
  }
}
