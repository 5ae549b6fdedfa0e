import { findProgram, launch, type Server, type ServerKind, theProgram } from './launch.ts'

/** More settings, such as `['-m', '2']`. */
export function startMemcached(settings: readonly string[] = []): Promise<Server> {
  const asRoot = process.getuid?.() === 0 ? ['-u', 'root'] : []
  return launch({
    name: 'memcached',
    url: (port) => `memcached://127.0.0.1:${port}`,
    command: (port) => [theProgram(['memcached']), '-l', '127.0.0.1', '-p', String(port), '-U', '0', ...asRoot, ...settings],
  })
}

export const memcached: ServerKind = {
  name: 'memcached',
  packages: ['memcached'],
  present: () => findProgram(['memcached']) !== null,
  start: () => startMemcached(),
}
