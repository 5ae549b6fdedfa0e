import { invalid } from '../common/options.ts'
import { EtcdRefusal, type EtcdCredentials, type Gateway } from './gateway.ts'

const oldest = [3, 4] as const

/** Throws for a cluster that is too old, full or broken, or that we may not use. */
export async function checkEtcd(gateway: Gateway, key: string): Promise<void> {
  const { version = '' } = await gateway.call<{ version?: string }>('/v3/maintenance/status', {})
  const [major = Number.NaN, minor = Number.NaN] = version.split('.').map(Number)
  if (!(major > oldest[0] || (major === oldest[0] && minor >= oldest[1]))) {
    throw invalid(`etcd ${version} is too old for etcdStore, which needs ${oldest.join('.')} or newer; upgrade it`)
  }
  await gateway.call('/v3/kv/range', { key, keys_only: true, limit: '1' })
  const { alarms = [] } = await gateway.call<{ alarms?: readonly { alarm?: string }[] }>('/v3/maintenance/alarm', { action: 'GET' })
  const [raised] = alarms
  if (raised !== undefined) throw new EtcdRefusal(0, `the cluster has raised the alarm ${raised.alarm}`)
}

/** What to do about a failure, where that is known. */
export function adviceFor(error: unknown): string | undefined {
  const said = error instanceof Error ? error.message : ''
  if (/database space exceeded|NOSPACE/.test(said)) {
    return 'compact and defragment etcd and disarm the alarm, then run it with --auto-compaction-retention=1h'
  }
  if (/permission denied/.test(said)) return "give the role readwrite permission on etcdStore's prefix"
  if (/user name is empty/.test(said)) return 'etcd wants a name and a password: write etcdStore({ endpoints, credentials })'
  if (/authentication failed/.test(said)) return "check etcdStore's credentials"
  if (!(error instanceof EtcdRefusal)) return "see that etcd is there, and check etcdStore's endpoints"
  return undefined
}

/** gRPC's NOT_FOUND: what etcd says of a lease it does not know. */
export function isLeaseGone(error: unknown): boolean {
  return error instanceof EtcdRefusal && error.code === 5
}

/** The cluster takes less in one request than we were told. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof EtcdRefusal && /request is too large|larger than max/.test(error.message)
}

export function endpointsOf(endpoints: unknown): string[] {
  const given: unknown[] = Array.isArray(endpoints) ? endpoints : []
  const good = given.filter((one) => typeof one === 'string' && /^https?:\/\/[^/?#@\s]+\/?$/.test(one)) as string[]
  if (good.length > 0 && good.length === given.length) return good.map((one) => one.replace(/\/$/, ''))
  throw invalid("etcdStore needs the addresses of its members; write for example etcdStore({ endpoints: ['http://localhost:2379'] })")
}

type Asked = () => EtcdCredentials | Promise<EtcdCredentials>

export function credentialsOf(credentials: EtcdCredentials | Asked | undefined): Asked | null {
  if (credentials === undefined) return null
  if (typeof credentials === 'function') return credentials
  if (typeof credentials?.name === 'string' && typeof credentials.password === 'string') return () => credentials
  throw invalid("etcdStore: credentials must be a name and a password; write for example { name: 'shop', password }, or a function")
}
