import type { Profiler } from 'node:inspector'
import type { Place } from './subjects/subject.ts'

export const routes = ['untouched', 'read', 'write'] as const
export type Route = (typeof routes)[number]

/** What main asks a server process. */
export interface ServerCalls {
  start(subject: { group: string; name: string; place: Place }): Promise<{ port: number }>
  /** Time since the process began, in microseconds, in the program and in the kernel on its behalf. */
  cpuUsage(): { user: number; system: number }
  startProfile(): Promise<void>
  stopProfile(): Promise<Profiler.Profile>
}

/** What main asks the load process. */
export interface LoadCalls {
  /** Connects to a subject; the first time it also creates the visitors' sessions. */
  open(target: Target): Promise<{ cookieBytes: number }>
  /** Sends to one route for that long, then waits for the last response. */
  run(ask: { route: Route; runMs: number }): Promise<{ requests: number; wallMs: number }>
  close(): void
}

export interface Target {
  readonly name: string
  readonly port: number
  /** Nothing of a visitor's is in the answers, so they are not checked. */
  readonly sessionless: boolean
}

export interface Question {
  readonly name: string
  readonly parameter: unknown
}

export type Answer = { readonly value: unknown } | { readonly error: string }

/** The child's side: answers one question after the other, and goes when its parent does. */
export function answerParent<Calls extends object>(calls: Calls): void {
  process.on('message', async ({ name, parameter }: Question) => {
    const call = calls[name as keyof Calls] as (parameter: unknown) => unknown
    try {
      send({ value: await call(parameter) })
    } catch (error) {
      send({ error: error instanceof Error ? error.message : String(error) })
    }
  })
  process.on('disconnect', () => process.exit())
  // Ctrl-C reaches the whole terminal group; the parent decides.
  process.on('SIGINT', () => {})
}

function send(answer: Answer): void {
  if (process.connected) process.send?.(answer)
}
