import { findProgram, freePort, launch, type Server, type ServerKind, theProgram } from './launch.ts'

/** More settings, such as `['-c', file]`. The address says where its statistics are: `nats://127.0.0.1:4222?monitor=8222`. */
export async function startNats(settings: readonly string[] = []): Promise<Server> {
  const monitor = String(await freePort())
  return launch({
    name: 'nats',
    url: (port) => `nats://127.0.0.1:${port}?monitor=${monitor}`,
    command: (port, folder) => [
      theProgram(['nats-server']),
      '-a',
      '127.0.0.1',
      '-p',
      String(port),
      '-m',
      monitor,
      '-js',
      '-sd',
      folder,
      ...settings,
    ],
  })
}

export const nats: ServerKind = {
  name: 'nats',
  packages: ['nats-server'],
  present: () => findProgram(['nats-server']) !== null,
  start: () => startNats(),
}
