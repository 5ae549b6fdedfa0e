import { tieredStore } from '../../../src/stores/tiered.ts'
import type { StoreProfile } from '../profile.ts'
import { memcached } from './memcached.ts'
import { postgres } from './postgres.ts'
import { redis } from './redis.ts'

function before(durable: StoreProfile, cache: StoreProfile): StoreProfile {
  return {
    name: `tiered, ${cache.name} before ${durable.name}`,
    servers: [...durable.servers, ...cache.servers],
    async open([durableUrl = '', cacheUrl = '']) {
      const [kept, fast] = [await durable.open([durableUrl]), await cache.open([cacheUrl])]
      return {
        store: tieredStore({ durable: kept.store, cache: fast.store }),
        close: async () => void (await Promise.all([kept.close(), fast.close()])),
      }
    },
    ...(durable.lacks === undefined ? {} : { lacks: durable.lacks }),
    ...(durable.rowBytesMax === undefined ? {} : { rowBytesMax: durable.rowBytesMax }),
    words: {
      limits: 'those of the durable store; a session too large for the cache is not cached',
      eviction: 'of the cache: costs a read of the durable store, and nothing else',
      restart: 'of the cache: the same; of the durable store: as it says itself',
      failover: 'of the cache: answers up to `staleMs` (1 s) old; of the durable store: as it says itself',
    },
  }
}

export const tieredMemcached: StoreProfile = before(postgres, memcached)
export const tieredRedis: StoreProfile = before(postgres, redis)
