/** koa-session with sessions in Redis, as koa-redis and stores like it keep them: JSON under the id, or under a prefix and the id. */
import { redisKeys } from '../../migrate/common/redis-keys.ts'
import { fromKoaSession, passportUser, type KoaStore } from '../../migrate/koa-session.ts'
import { openRedis, type RedisClient } from './clients.ts'
import { common, reading, type Source } from './source.ts'

const koaRedis: Source = {
  holds: 'koa-session with koa-redis, or another store that keeps JSON in Redis',
  needs: ['from-url'],
  takes: ['from-prefix', 'from-cookie', 'signed-in'],
  example: 'redis://localhost:6379/0',
  open: (settings) =>
    reading(settings, openRedis, (client) => {
      const store = storeIn(client, settings.prefix ?? '')
      // No cookie is read, so that any keys will do.
      return fromKoaSession({ keys: ['unused'], store, ...common(settings), ...(settings.signedIn ? { map: passportUser } : {}) })
    }),
}

const usualId = /^[\w-]{16,128}$/

function storeIn(redis: RedisClient, prefix: string): KoaStore {
  const keys = redisKeys(redis, prefix)
  return {
    async get(id) {
      const text = await redis.get(prefix + id).catch(otherTypeIsNull)
      return text === null ? null : valueOf(text)
    },
    destroy: (id) => redis.del(prefix + id),
    async ids(from, limit) {
      const { ids = [], cursor = null } = (await keys?.page(from, limit)) ?? {}
      // Without a prefix it is anybody's database, and a strange key is no strange session.
      return { ids: prefix === '' ? ids.filter((id) => usualId.test(id)) : ids, cursor }
    },
  }
}

/** A hash or a list that happens to have a name like an id. */
function otherTypeIsNull(error: unknown): null {
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return null
  throw error
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // There is something, and it is no session.
    return text
  }
}

export const koaSources = { 'koa-redis': koaRedis } as const satisfies Record<string, Source>
