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
      '--databases',
      '1024',
      ...settings,
    ],
  })
}

let databases = 0

export const redis: ServerKind = {
  name: 'redis',
  packages: ['redis-server'],
  present: () => findProgram(programs) !== null,
  start: () => startRedis(),
  // They have numbers and are all there from the start.
  database: async (url) => `${url}/${++databases}`,
}
