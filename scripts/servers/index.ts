/** Every server that tests and benchmarks talk to. */
import { deno } from './deno.ts'
import { dynamodb } from './dynamodb.ts'
import { etcd } from './etcd.ts'
import { datastore, datastoreMode, firestore } from './google.ts'
import { django, flask, php, rails } from './languages.ts'
import { findProgram, type Program, type ServerKind } from './launch.ts'
import { memcached } from './memcached.ts'
import { mongodb } from './mongodb.ts'
import { mysql } from './mysql.ts'
import { nats } from './nats.ts'
import { nginx } from './nginx.ts'
import { postgres } from './postgres.ts'
import { redis } from './redis.ts'
import { redisCluster } from './redis-cluster.ts'
import { varnish } from './varnish.ts'
import { workerd } from './workerd.ts'

export const kinds: readonly ServerKind[] = [
  redis,
  redisCluster,
  memcached,
  postgres,
  mysql,
  datastore,
  datastoreMode,
  firestore,
  nats,
  etcd,
  dynamodb,
  mongodb,
  workerd,
  deno,
]

const strace: Program = { name: 'strace', packages: ['strace'], present: () => findProgram(['strace']) !== null }

/** What tests drive beside them: proxies, whose start takes the port behind them, and tools. */
export const tools: readonly Program[] = [nginx, varnish, strace, flask, django, php, rails]

export function kindNamed(name: string): ServerKind {
  return named(kinds, name)
}

/** A server or a tool, to ask whether it is there. */
export function programNamed(name: string): Program {
  return named([...kinds, ...tools], name)
}

function named<P extends Program>(programs: readonly P[], name: string): P {
  const program = programs.find((one) => one.name === name)
  if (program === undefined) throw new Error(`there is no server "${name}"; write one of ${programs.map((one) => one.name).join(', ')}`)
  return program
}

/** What to type for a server that is not there. */
export function howToInstall({ name, packages }: Program): string {
  return packages.length === 0 ? `no ${name} (npm ci)` : `no ${name} (apt-get install ${packages.join(' ')})`
}
