/** Naming all sessions of a store, for moving them in bulk. */
import type { AllSessions } from '../express-session/stores.ts'
import type { RedisKeys } from './redis-keys.ts'
import type { SessionFiles } from './session-files.ts'

/** Those in Redis, which drops each at a time of its own. */
export function allInRedis(keys: RedisKeys | undefined): AllSessions | undefined {
  if (keys === undefined) return undefined
  return {
    async page(from, limit, nowMs) {
      const { ids, cursor } = await keys.page(from, limit)
      const ends = await keys.endsAt(ids, nowMs)
      return { found: ids.map((id, at) => ({ id, endsAt: ends[at] ?? null })), cursor }
    },
    count: () => keys.count(),
  }
}

export function allInFiles(files: SessionFiles): AllSessions {
  return {
    async page(from, limit) {
      const { ids, cursor } = await files.page(from, limit)
      return { found: ids.map((id) => ({ id, endsAt: null })), cursor }
    },
    count: () => files.count(),
  }
}
