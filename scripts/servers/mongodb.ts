/** Not MongoDB, of which no server can be had here, but a double that speaks its wire protocol. */
import { join } from 'node:path'
import { launch, type ServerKind } from './launch.ts'

const program = join(import.meta.dirname, '../../test/support/mongo-double.ts')

export const mongodb: ServerKind = {
  name: 'mongodb',
  packages: [],
  present: () => true,
  start: () =>
    launch({
      name: 'mongodb',
      url: (port) => `mongodb://127.0.0.1:${port}/?directConnection=true`,
      command: (port) => [process.execPath, program, String(port)],
    }),
}
