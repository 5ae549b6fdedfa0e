/** The Pythons on this machine, and one of them as the other side of a shared session. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { findProgram } from '../../scripts/servers/launch.ts'
import { root } from '../../scripts/source.ts'

/** A command that answers to `--version`, `null` where there is none: the PATH's, else one of pyenv's. */
export function findPython(version: '2.7' | '3'): string | null {
  const own = findProgram([`python${version}`])
  return [own, ...fromPyenv(version)].find((command) => command !== null && said(command, ['--version']) !== null) ?? null
}

function fromPyenv(version: string): string[] {
  const pyenv = findProgram(['pyenv'])
  const versions = (pyenv === null ? null : said(pyenv, ['versions', '--bare'])) ?? ''
  return versions
    .split('\n')
    .filter((one) => one.startsWith(version))
    .flatMap((one) => {
      const prefix = said(pyenv as string, ['prefix', one])
      return prefix === null ? [] : [join(prefix.trim(), 'bin', `python${version}`)]
    })
}

function said(command: string, args: readonly string[]): string | null {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return null
  }
}

/** test/python/counterpart.py in a process of its own. */
export class Counterpart {
  readonly #child: ChildProcess
  readonly #answers: AsyncIterator<string>
  #turn: Promise<unknown> = Promise.resolve()

  constructor(command: string) {
    const child = spawn(command, [join(root, 'test/python/counterpart.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child = child
    this.#answers = createInterface(child.stdout)[Symbol.asyncIterator]()
  }

  ask<T>(request: { readonly do: string; readonly [argument: string]: unknown }): Promise<T> {
    const answered = this.#turn.then(async () => {
      this.#child.stdin?.write(`${JSON.stringify(request)}\n`)
      const { value, done } = await this.#answers.next()
      if (done === true) throw new Error('Python has ended')
      const { answer, error } = JSON.parse(value) as { answer?: T; error?: string }
      if (error !== undefined) throw new Error(error)
      return answer as T
    })
    this.#turn = answered.catch(() => null)
    return answered
  }

  end(): void {
    this.#child.kill()
  }
}
