import { findProgram, launch, type Server, type ServerKind, theProgram } from './launch.ts'

const programs = ['redis-server', 'valkey-server']

/** More settings, such as `['--maxmemory', '10mb']`. */
export function startRedis(settings: readonly string[] = []): Promise<Server> {
  return launch({
    name: 'redis',
    url: (port) => `redis://127.0.0.1:${port}`,
    command: (port, folder) => [
      theProgram(programs),
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'no',
      '--loglevel',
      'warning',
      ...settings,
    ],
  })
}

export const redis: ServerKind = {
  name: 'redis',
  packages: ['redis-server'],
  present: () => findProgram(programs) !== null,
  start: () => startRedis(),
}
