import { storesIn } from './address.ts'
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
  'mongodb+srv': 'MongoDB',
  sqlite: 'SQLite',
  memory: 'memory',
}

/** Alone they hang beside the pegs of that name. */
const second: Readonly<Record<string, string>> = { sqlite: 'another SQLite file', memory: 'more memory' }

/** What a person calls the store at an address: `memcached in front of PostgreSQL`. */
export function nameOf(url: string): string {
  const [one = '', other = ''] = storesIn(url).map(schemeOf)
  const scheme = schemeOf(url)
  if (scheme === 'tiered') return `${names[one] ?? one} in front of ${names[other] ?? other}`
  if (scheme === 'mirrored') return `${names[one] ?? one}, moving to ${names[other] ?? other}`
  return second[scheme] ?? names[scheme] ?? scheme
}

function schemeOf(url: string): string {
  return url.slice(0, url.indexOf(':'))
}

/** The place that somebody named by its address. */
export function pegFor(url: string): Peg {
  const name = nameOf(url)
  return { on: 'store', name: `In ${name}`, is: 'The store this demo was started with.', within: name }
}
