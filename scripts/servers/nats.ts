import { findProgram, launch, type ServerKind, theProgram } from './launch.ts'

export const nats: ServerKind = {
  name: 'nats',
  packages: ['nats-server'],
  present: () => findProgram(['nats-server']) !== null,
  start: () =>
    launch({
      name: 'nats',
      url: (port) => `nats://127.0.0.1:${port}`,
      command: (port, folder) => [theProgram(['nats-server']), '-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder],
    }),
}
