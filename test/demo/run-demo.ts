import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../../scripts/source.ts'

/** The demo as a process of its own, on the sources. */
export interface RunningDemo {
  readonly url: string
  readonly port: number
  /** All it has printed. */
  output(): string
  /** Stops it the way a person or a service manager does; answers its exit code. */
  stop(signal?: 'SIGINT' | 'SIGTERM'): Promise<number | null>
}

/** An empty folder, and its removal. */
export function scratchFolder(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-demo-'))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Starts it and waits until it is open. Rejects with what it printed when it ends instead. */
export async function runDemo(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<RunningDemo> {
  const { child, output } = spawnDemo(args, env)
  const exited = once(child, 'exit')
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.on('data', () => {
      const found = /localhost:(\d+)/.exec(output())?.[1]
      if (found !== undefined) resolve(Number(found))
    })
    child.once('close', () => reject(new Error(output())))
  })
  return {
    url: `http://localhost:${port}`,
    port,
    output,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      const [code] = (await exited) as [number | null]
      return code
    },
  }
}

/** Runs it to its end, for when it has nothing to serve. */
export async function demoSays(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  const { child, output } = spawnDemo(args, env)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output: output() }
}

function spawnDemo(args: readonly string[], env: Readonly<Record<string, string>>): { child: ChildProcess; output: () => string } {
  const { PORT: _port, ...rest } = process.env
  const child = spawn(process.execPath, ['--import', './scripts/resolve-source.ts', 'demo/main.ts', ...args], {
    cwd: root,
    env: { ...rest, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (part: string) => (text += part))
  return { child, output: () => text }
}
