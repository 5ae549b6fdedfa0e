import { join } from 'node:path'
import { run } from '../run.ts'
import { root } from '../source.ts'
import { launch, type ServerKind } from './launch.ts'

/** How programs of ours are run in Deno. */
export const denoRun = ['run', '--unstable-kv', '--allow-all', '--no-config', '--no-lock'] as const

/** Deno with Deno KV in a file: a program that lends the store it has made on it. */
export const deno: ServerKind = {
  name: 'deno',
  packages: [],
  present: () => true,
  start: () =>
    launch({
      name: 'deno',
      url: (port) => `http://127.0.0.1:${port}`,
      // Its first run puts the program in its place. The one on the PATH starts another process, which would outlive it.
      prepare: async () => void (await run('deno', ['--version'])),
      command: (port, folder) => [
        join(root, 'node_modules/deno/deno'),
        ...denoRun,
        join(root, 'test/stores/hosts/deno.ts'),
        String(port),
        folder,
      ],
    }),
}
