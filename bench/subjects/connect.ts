import { createClient, type RedisClientOptions } from 'redis'

/** A client without a listener for errors: one ends the process, and the measurement with it. */
export function connectRedis(url: string, options: RedisClientOptions = {}) {
  return createClient({ url, ...options }).connect()
}
