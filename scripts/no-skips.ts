import type { Reporter, TestModule, Vitest } from 'vitest/node'

/**
 * A vitest reporter: a skipped test is said aloud, with its reason, and with CI=true it fails the run.
 * What `-t` or `.only` leaves out is not meant.
 */
export default class NoSkips implements Reporter {
  #filtered = false

  onInit(vitest: Vitest): void {
    this.#filtered = vitest.config.testNamePattern !== undefined
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (this.#filtered) return
    const skipped = modules.flatMap((module) => [...module.children.allTests('skipped')])
    for (const test of skipped) {
      const result = test.result()
      const why = result.state === 'skipped' && result.note ? `: ${result.note}` : ''
      console.log(`skipped: ${test.module.relativeModuleId} > ${test.fullName}${why}`)
    }
    if (skipped.length === 0 || !process.env['CI']) return
    console.error(`${skipped.length} skipped, and with CI set a skip is a failure.`)
    process.exitCode = 1
  }
}
