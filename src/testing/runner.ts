/** What a contract needs of a test runner; vitest, node:test, mocha, jest and bun have both. */
export interface Runner {
  describe(name: string, define: () => void): unknown
  it(name: string, run: () => Promise<void>): unknown
}

/** How one case ended; `error` is `null` when it passed. */
export interface Report {
  readonly name: string
  readonly error: unknown
}

/** A runner that runs nothing on its own: for a program that wants to know what a contract says of something. */
export async function collect(define: (runner: Runner) => void): Promise<Report[]> {
  const cases: { name: string; run: () => Promise<void> }[] = []
  define({ describe: (_name, inner) => inner(), it: (name, run) => cases.push({ name, run }) })
  const reports: Report[] = []
  for (const { name, run } of cases) {
    reports.push(
      await run().then(
        () => ({ name, error: null }),
        (error: unknown) => ({ name, error }),
      ),
    )
  }
  return reports
}
