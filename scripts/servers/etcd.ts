import { findProgram, freePort, launch, type Server, type ServerKind, theProgram } from './launch.ts'

/** More settings, such as `['--quota-backend-bytes', '2000000']`. */
export async function startEtcd(settings: readonly string[] = []): Promise<Server> {
  const peer = `http://127.0.0.1:${await freePort()}`
  return launch({
    name: 'etcd',
    url: (port) => `etcd://127.0.0.1:${port}`,
    command: (port, folder) => [
      theProgram(['etcd']),
      '--data-dir',
      folder,
      '--listen-client-urls',
      `http://127.0.0.1:${port}`,
      '--advertise-client-urls',
      `http://127.0.0.1:${port}`,
      '--listen-peer-urls',
      peer,
      '--initial-advertise-peer-urls',
      peer,
      '--initial-cluster',
      `default=${peer}`,
      ...settings,
    ],
  })
}

export const etcd: ServerKind = {
  name: 'etcd',
  packages: ['etcd-server'],
  present: () => findProgram(['etcd']) !== null,
  start: () => startEtcd(),
}
