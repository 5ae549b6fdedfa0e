import { redisClusterWithIoredis, redisWithIovalkey } from './profiles/redis.ts'
import { storeSuite } from './suite.ts'

for (const profile of [redisWithIovalkey, redisClusterWithIoredis]) storeSuite(profile)
