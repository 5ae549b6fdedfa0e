/** What a command sees of the process it runs in. An argument, so that tests run commands without one. */
export interface Io {
  /** Results. */
  readonly stdout: Output
  /** Progress, and what went wrong. */
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  clock(): number
  /** `asked` is called when somebody wants the command to end (Ctrl-C, SIGTERM). Answers how to stop listening. */
  onStop(asked: () => void): () => void
}

/** A stream, as far as it is written to. */
export interface Output {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** What a process ends with. */
export const exits = {
  done: 0,
  /** Everything was walked; some sessions were refused. */
  refused: 1,
  /** The command line or a configuration is wrong; nothing was begun. */
  usage: 2,
  /** A store failed or was not there. */
  store: 3,
  /** Ended by Ctrl-C or SIGTERM, between two pages. */
  stopped: 130,
} as const

/** An end with something to say. The message is for a person and says what to type. */
export class CliError extends Error {
  readonly exit: number

  constructor(exit: number, message: string) {
    super(message)
    this.exit = exit
  }
}

/** The command line is wrong. */
export function usage(message: string): CliError {
  return new CliError(exits.usage, message)
}
