import type { Peg } from './view.ts'

/** The places that are always there. */
export const pegs: readonly Peg[] = [
  {
    on: 'cookie',
    name: 'In the cookie',
    is: 'Sealed, nothing on the server. Small things; nobody can take it back.',
    within: 'your cookie',
  },
  { on: 'memory', name: 'In memory', is: 'Fast, and gone when this process stops.', within: 'memory' },
  { on: 'sqlite', name: 'In SQLite', is: 'One file on this disk. Outlives a restart.', within: 'SQLite' },
]

const names: Readonly<Record<string, string>> = {
  redis: 'Redis',
  rediss: 'Redis',
  'redis-cluster': 'a Redis Cluster',
  memcached: 'memcached',
  memcacheds: 'memcached',
  postgres: 'PostgreSQL',
  postgresql: 'PostgreSQL',
  mysql: 'MySQL',
  datastore: 'Google Datastore',
  firestore: 'Firestore',
  dynamodb: 'DynamoDB',
  mongodb: 'MongoDB',
  nats: 'NATS',
  etcd: 'etcd',
  etcds: 'etcd',
  sqlite: 'another SQLite file',
  memory: 'more memory',
}

/** What a person calls the store at an address: `memcached in front of PostgreSQL`. */
export function nameOf(url: string): string {
  const [scheme = '', rest = ''] = [url.slice(0, url.indexOf(':')), url.slice(url.indexOf(':') + 1)]
  const [one = '', other = ''] = rest.split('+')
  if (scheme === 'tiered') return `${nameOf(one)} in front of ${nameOf(other)}`
  if (scheme === 'mirrored') return `${nameOf(one)}, moving to ${nameOf(other)}`
  return names[scheme] ?? scheme
}

/** The place that somebody named by its address. */
export function pegFor(url: string): Peg {
  const name = nameOf(url)
  return { on: 'store', name: `In ${name}`, is: 'The store this demo was started with.', within: name }
}
