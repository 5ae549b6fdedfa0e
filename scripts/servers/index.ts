/** Every server that tests and benchmarks talk to. */
import { etcd } from './etcd.ts'
import { datastore, datastoreMode, firestore } from './google.ts'
import type { ServerKind } from './launch.ts'
import { memcached } from './memcached.ts'
import { mysql } from './mysql.ts'
import { nats } from './nats.ts'
import { postgres } from './postgres.ts'
import { redis } from './redis.ts'
import { redisCluster } from './redis-cluster.ts'

export const kinds: readonly ServerKind[] = [redis, redisCluster, memcached, postgres, mysql, datastore, datastoreMode, firestore, nats, etcd]

export function kindNamed(name: string): ServerKind {
  const kind = kinds.find((one) => one.name === name)
  if (kind === undefined) throw new Error(`there is no server "${name}"; write one of ${kinds.map((one) => one.name).join(', ')}`)
  return kind
}

/** What to type for a server that is not there. */
export function howToInstall({ name, packages }: ServerKind): string {
  return packages.length === 0 ? `no ${name} (npm ci)` : `no ${name} (apt-get install ${packages.join(' ')})`
}
