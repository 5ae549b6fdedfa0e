import { join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'

/** `npm run test:full` is `--mode full`: the files that end in .full.test.ts as well, and what `test/support/full.ts` names. */
export default defineConfig(({ mode }) => ({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(mode === 'full' ? [] : ['test/**/*.full.test.ts'])],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // More than the two cores it is meant for: half of the time is waiting, for servers and for lifetimes to end.
    maxWorkers: 4,
    // What tests start in processes of their own is compiled once.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/node') },
    // Google's client goes on with a read after it was closed, where nobody can catch what that throws.
    onUnhandledError: (error) => (error.message?.includes('client has already been terminated') ? false : undefined),
    globalSetup: ['test/support/servers-host.ts'],
    reporters: ['./scripts/no-skips.ts', 'default'],
  },
}))
