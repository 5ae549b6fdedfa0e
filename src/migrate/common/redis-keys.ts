/** Walking the keys of Redis under a prefix, with SCAN, which blocks nobody. */

type Command = (args: readonly string[]) => Promise<unknown>

/** A page of ids; `cursor: null` ends. */
export interface IdPage {
  readonly ids: readonly string[]
  readonly cursor: string | null
}

/** What there is to walk. */
export interface RedisKeys {
  /** SCAN answers about `limit` keys, or none, and now and then one again. */
  page(cursor: string | null, limit: number): Promise<IdPage>
  /** When Redis drops each of these, in unix milliseconds; `null`: never. */
  endsAt(ids: readonly string[], nowMs: number): Promise<(number | null)[]>
  /** How many keys the database has: at least as many as stand under the prefix. */
  count(): Promise<number>
}

/** The keys under a prefix; `undefined` for a client that cannot name them all, such as that of a Cluster. */
export function redisKeys(client: object, prefix: string): RedisKeys | undefined {
  const command = commandOf(client)
  if (command === null) return undefined
  // ioredis puts this in front of every key, but not of a pattern, and takes none away.
  const { keyPrefix = '' } = (client as { readonly options?: { readonly keyPrefix?: string } }).options ?? {}
  const whole = keyPrefix + prefix
  const pattern = `${whole.replaceAll(/[\\*?[\]^-]/g, String.raw`\$&`)}*`
  return {
    async page(cursor, limit) {
      const answer = await command(['SCAN', cursor ?? '0', 'MATCH', pattern, 'COUNT', String(limit)])
      const [next, keys] = answer as [unknown, unknown[]]
      return { ids: keys.map((key) => String(key).slice(whole.length)), cursor: String(next) === '0' ? null : String(next) }
    },
    async endsAt(ids, nowMs) {
      const lives = await Promise.all(ids.map(async (id) => Number(await command(['PTTL', prefix + id]))))
      return lives.map((lifeMs) => (lifeMs < 0 ? null : nowMs + lifeMs))
    },
    count: async () => Number(await command(['DBSIZE'])),
  }
}

/** Commands as node-redis, its Sentinel, ioredis and iovalkey take them. */
function commandOf(client: object): Command | null {
  const { call, sendCommand, isCluster } = client as {
    readonly call?: (...args: string[]) => Promise<unknown>
    readonly sendCommand?: (...args: unknown[]) => Promise<unknown>
    readonly isCluster?: boolean
  }
  if (isCluster === true || 'getSlotMaster' in client) return null
  if (typeof call === 'function') return (args) => call.apply(client, [...args])
  if (typeof sendCommand !== 'function') return null
  return 'use' in client ? (args) => sendCommand.call(client, false, args) : (args) => sendCommand.call(client, args)
}
