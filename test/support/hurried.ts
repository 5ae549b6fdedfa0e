/** Options for engines whose waiting takes a hundredth of the time, and whose deadlines, which count the same timers, are as long as ever. */
export const hurried = {
  timers: {
    set: (run: () => void, delayMs: number): unknown => setTimeout(run, delayMs / 100).unref(),
    clear: (timer: unknown): void => clearTimeout(timer as NodeJS.Timeout),
  },
  storeDeadline: '1h',
} as const
