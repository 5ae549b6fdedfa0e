import { expect, test } from 'vitest'
import { run } from '../../scripts/run.ts'

// The compiler, the linter and the formatter run in front of the tests (`pretest`).
test('knip finds no unused file, export or dependency', { timeout: 120_000 }, async () => {
  const { code, output } = await run('knip', [], { timeoutMs: 110_000 })
  expect(code, output).toBe(0)
})
