import { addressesOf } from '../../../src/stores/memcached/addresses.ts'
import { statistics } from '../../../src/stores/memcached/questions.ts'
import { Server } from '../../../src/stores/memcached/server.ts'
import { memcachedStore } from '../../../src/stores/memcached.ts'
import type { OpenedProfile, StoreProfile } from '../profile.ts'

/** What the store sends, as the server counts it: `mg`, `ms` and `md`. */
const counted = ['cmd_get', 'cmd_set', 'cmd_touch', 'delete_hits', 'delete_misses']

async function open(urls: readonly string[]): Promise<OpenedProfile> {
  const store = memcachedStore({ servers: urls, timeoutMs: 400 })
  const watch = addressesOf(urls, false).map(
    (address) => new Server(address, { connectionsMax: 1, timeoutMs: 5_000, tls: null, lifeKey: 'watch' }),
  )
  return {
    store,
    async commands() {
      const all = await Promise.all(watch.map((server) => server.ask((connection) => connection.ask(statistics(null)))))
      return all.reduce((sum, one) => counted.reduce((partly, name) => partly + Number(one.get(name)), sum), 0)
    },
    async close() {
      await Promise.all([store.close?.(), ...watch.map((server) => server.close())])
    },
  }
}

export const memcached: StoreProfile = {
  name: 'memcached',
  servers: ['memcached'],
  countsAll: true,
  open,
  lacks: [
    { rule: 'touch', reason: 'memcached cannot change a part of a value, and the expiry is one: the engine slides with a put' },
    { rule: 'idsOf', reason: 'an index in a cache would lose sessions without a word' },
    { rule: 'scan', reason: 'memcached names its keys for debugging only, and not all of them' },
    { rule: 'sweep', reason: 'memcached drops expired rows by itself' },
  ],
  rowBytesMax: 1_048_576,
  words: {
    limits: 'an item of 1 MiB (`-I`, `itemBytesMax`); no index by user',
    eviction: 'the least recently used sessions are gone when the memory (`-m`) is full',
    restart: 'every session of that server is gone',
    failover: 'none: while a server is away its sessions are `store_unavailable`, the others go on',
  },
}
