import { redis, redisCluster, redisWithIoredis } from './profiles/redis.ts'
import { storeSuite } from './suite.ts'

for (const profile of [redis, redisWithIoredis, redisCluster]) storeSuite(profile)
