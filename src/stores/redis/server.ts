import { CoatcheckError } from '../../core/errors.ts'
import { invalid } from '../common/options.ts'
import type { Wire } from './client.ts'

const oldest = [6, 2] as const

/**
 * Throws `config_invalid` for a server that cannot, or would not, keep sessions. In a cluster it looks at one node. A server that
 * does not let us look (`INFO` is often forbidden to applications) is taken at its word.
 */
export async function checkServer(wire: Wire, mayEvict: boolean): Promise<void> {
  await wire.send(null, ['PING'])
  const info = await wire.send(null, ['INFO']).then(fieldsOf, (error: unknown) => {
    if (error instanceof Error && /^(NOPERM|ERR unknown command)/.test(error.message)) return null
    throw error
  })
  if (info === null) return
  const version = info.get('redis_version') ?? ''
  if (isOlder(version)) throw invalid(`Redis ${version} is too old for redisStore, which needs ${oldest.join('.')} or newer; upgrade it`)
  if (!wire.cluster) checkPlace(info)
  const policy = info.get('maxmemory_policy') ?? 'noeviction'
  if (mayEvict || policy === 'noeviction' || info.get('maxmemory') === '0') return
  throw invalid(
    `this Redis drops sessions when its memory is full (maxmemory-policy ${policy}), which signs people out; ` +
      'set it to noeviction, or write redisStore({ client, mayEvict: true })',
  )
}

/** Throws for a server that sends writes elsewhere. */
function checkPlace(info: ReadonlyMap<string, string>): void {
  if (info.get('redis_mode') === 'cluster') {
    throw invalid(
      "this Redis is a node of a cluster, and the client knows no cluster; give redisStore node-redis' createCluster or ioredis' Cluster",
    )
  }
  if (info.get('role') === 'slave') {
    throw new CoatcheckError('store_unavailable', 'redisStore: this Redis is a replica and keeps no writes; connect to the master')
  }
}

function fieldsOf(info: unknown): ReadonlyMap<string, string> {
  const lines = String(info).split(/\r?\n/)
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}

function isOlder(version: string): boolean {
  const [major = Number.NaN, minor = Number.NaN] = version.split('.').map(Number)
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1])
}
