/** Commands run in a test: with a terminal or without one, and a clock that stands still. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { runCli } from '../../src/cli/cli.ts'
import type { Io } from '../../src/cli/io.ts'

export interface Screen extends Io {
  out(): string
  err(): string
  advance(ms: number): void
  /** Ctrl-C. */
  stop(): void
}

interface ScreenOptions {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export function screen({ isTTY = false, columns = 80, env = {}, cwd = folder() }: ScreenOptions = {}): Screen {
  const said = { out: '', err: '' }
  let nowMs = 1_800_000_000_000
  let asked: (() => void) | null = null
  return {
    stdout: { write: (text) => (said.out += text) },
    stderr: { write: (text) => (said.err += text), isTTY, columns },
    env,
    cwd,
    clock: () => nowMs,
    onStop(call) {
      asked = call
      return () => void (asked = null)
    },
    out: () => said.out,
    err: () => said.err,
    advance: (ms) => void (nowMs += ms),
    stop: () => asked?.(),
  }
}

/** A folder of this test's own. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'coatcheck-cli-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

export interface Ran {
  readonly exit: number
  readonly out: string
  readonly err: string
}

/** Runs a command line, written as in a shell but without its quoting. */
export async function ran(line: string, options: ScreenOptions = {}): Promise<Ran> {
  const io = screen(options)
  const exit = await runCli(line.split(' ').filter(Boolean), io)
  return { exit, out: io.out(), err: io.err() }
}
