/** Every store on its real server, as suites, the gate and the table in docs/stores.md see it. */
import type { StoreProfile } from '../profile.ts'
import { d1, durableObject, kv } from './cloudflare.ts'
import { datastore, datastoreMode } from './datastore.ts'
import { denoKv } from './deno-kv.ts'
import { dynamodb } from './dynamodb.ts'
import { etcd } from './etcd.ts'
import { connectRedis } from './express-store.ts'
import { firestore } from './firestore.ts'
import { memcached } from './memcached.ts'
import { mirroredFrom, mirroredTo } from './mirrored.ts'
import { mongodb } from './mongodb.ts'
import { mysql } from './mysql.ts'
import { nats } from './nats.ts'
import { postgres, postgresWithPostgresJs } from './postgres.ts'
import { redis, redisCluster, redisClusterWithIoredis, redisWithIoredis, redisWithIovalkey } from './redis.ts'
import { tieredMemcached, tieredRedis } from './tiered.ts'

export const profiles: readonly StoreProfile[] = [
  redis,
  redisWithIoredis,
  redisWithIovalkey,
  redisCluster,
  redisClusterWithIoredis,
  memcached,
  postgres,
  postgresWithPostgresJs,
  mysql,
  tieredMemcached,
  tieredRedis,
  mirroredFrom,
  mirroredTo,
  datastore,
  datastoreMode,
  firestore,
  dynamodb,
  mongodb,
  nats,
  etcd,
  d1,
  durableObject,
  kv,
  denoKv,
  connectRedis,
]

export function profileNamed(name: string): StoreProfile {
  const profile = profiles.find((one) => one.name === name)
  if (profile === undefined) throw new Error(`there is no store "${name}"; write one of ${profiles.map((one) => one.name).join(', ')}`)
  return profile
}
