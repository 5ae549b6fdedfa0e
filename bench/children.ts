import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Answer, Question } from './messages.ts'

const coreCount = availableParallelism()

/** The server gets a core of its own where the system lets us choose; where there are two, load and store share the other. */
export const cores = { server: 0, load: 1, store: coreCount > 2 ? 2 : 1 }

export const allCores = `0-${coreCount - 1}`

export const pinned = coreCount > 1 && spawnSync('taskset', ['--version']).status === 0

type Call = (parameter: never) => unknown
type Result<C extends Call> = Awaited<ReturnType<C>>

/** A process that answers the calls of `Calls`, one at a time. */
export class Child<Calls extends Record<keyof Calls, Call>> {
  readonly #process: ChildProcess
  readonly #script: string

  constructor(script: 'server.ts' | 'load.ts', core: number | 'any') {
    const node = [process.execPath, join(import.meta.dirname, script)]
    const [command = '', ...args] = pinned && core !== 'any' ? ['taskset', '-c', String(core), ...node] : node
    this.#script = script
    this.#process = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  }

  ask<Name extends keyof Calls & string>(name: Name, ...[parameter]: Parameters<Calls[Name]>): Promise<Result<Calls[Name]>> {
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error(`${this.#script} ended while asked to ${name}`))
      this.#process.once('exit', gone)
      this.#process.once('message', (answer: Answer) => {
        this.#process.off('exit', gone)
        if ('error' in answer) reject(new Error(`${this.#script}: ${answer.error}`))
        else resolve(answer.value as Result<Calls[Name]>)
      })
      this.#process.send({ name, parameter } satisfies Question, (error) => error && gone())
    })
  }

  /** Resolves when the process is gone. */
  end(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) return resolve()
      this.#process.once('exit', () => resolve())
      this.#process.kill('SIGKILL')
    })
  }
}
