/** Every store on its real server, as suites, the gate and the table in docs/stores.md see it. */
import type { StoreProfile } from '../profile.ts'
import { redis, redisCluster, redisClusterWithIoredis, redisWithIoredis, redisWithIovalkey } from './redis.ts'

export const profiles: readonly StoreProfile[] = [redis, redisWithIoredis, redisWithIovalkey, redisCluster, redisClusterWithIoredis]

export function profileNamed(name: string): StoreProfile {
  const profile = profiles.find((one) => one.name === name)
  if (profile === undefined) throw new Error(`there is no store "${name}"; write one of ${profiles.map((one) => one.name).join(', ')}`)
  return profile
}
