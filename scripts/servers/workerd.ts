import { join } from 'node:path'
import { root } from '../source.ts'
import { launch, type ServerKind } from './launch.ts'

/** Cloudflare's runtime with D1, Durable Objects and KV: a Worker that lends the stores it has made on them. */
export const workerd: ServerKind = {
  name: 'workerd',
  packages: [],
  present: () => true,
  start: () =>
    launch({
      name: 'workerd',
      url: (port) => `http://127.0.0.1:${port}`,
      command: (port, folder) => [process.execPath, join(root, 'test/stores/hosts/workerd.ts'), String(port), folder],
    }),
}
