import { redis, redisCluster, redisClusterWithIoredis, redisWithIoredis, redisWithIovalkey } from './profiles/redis.ts'
import { storeSuite } from './suite.ts'

storeSuite(redis)
// On the same dirty servers again, through other clients.
for (const profile of [redisWithIoredis, redisWithIovalkey, redisCluster, redisClusterWithIoredis]) storeSuite(profile, ['once'])
