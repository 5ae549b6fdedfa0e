import type { D1SessionStore } from '../../../src/stores/cloudflare.ts'
import type { Lack } from '../../../src/testing/store-contract.ts'
import { remoteStore } from '../hosts/remote.ts'
import type { OpenedProfile, StoreProfile } from '../profile.ts'

/** The stores run in workerd, on its bindings. */
async function open(url: string, name: string): Promise<OpenedProfile> {
  const { store, trips } = await remoteStore(url, name)
  return { store, commands: trips, close: async () => {} }
}

const acrossRequests: Lack = { rule: 'getMany', reason: 'Workers do not let one request wait for what another asked' }

export const d1: StoreProfile = {
  name: 'cloudflare, D1',
  servers: ['workerd'],
  breaks: false,
  countsAll: true,
  async open([url = '']) {
    const opened = await open(url, 'd1')
    await (opened.store as D1SessionStore).migrate()
    return opened
  },
  lacks: [acrossRequests],
  rowBytesMax: 2_000_000,
  words: {
    limits: '2 MB a row, 10 GB a database (free plan: 500 MB)',
    eviction: 'none; expired rows stay until `sweep` is called, for example by a Cron Trigger',
    restart: 'everything is there; what a restore to an earlier time brings back includes sessions that have ended since',
    failover: 'by Cloudflare: an acknowledged write is kept; meanwhile calls reject with `store_unavailable`',
  },
}

export const durableObject: StoreProfile = {
  name: 'cloudflare, Durable Objects',
  servers: ['workerd'],
  breaks: false,
  countsAll: true,
  open: ([url = '']) => open(url, 'objects'),
  lacks: [acrossRequests, { rule: 'sweep', reason: 'each object drops what has expired, by an alarm' }],
  rowBytesMax: 2_000_000,
  words: {
    limits: '2 MB a row, 10 GB and about 1,000 calls a second for each of the objects (`shards`, by default 16)',
    eviction: 'none; each object drops its expired rows once an hour',
    restart: 'everything is there',
    failover: 'by Cloudflare: an object moves with all it has acknowledged; meanwhile its calls reject with `store_unavailable`',
  },
}

const noSwap = 'KV has no conditional write'

export const kv: StoreProfile = {
  name: 'cloudflare, KV',
  servers: ['workerd'],
  breaks: false,
  open: async ([url = '']) => {
    const { store, close } = await open(url, 'kv')
    return { store, close }
  },
  lacks: [
    acrossRequests,
    { rule: 'touch', reason: 'KV moves an expiry only by writing the whole value' },
    { rule: 'idsOf', reason: 'a list of keys may be a minute old' },
    { rule: 'sweep', reason: 'KV drops expired keys by itself' },
    { rule: 'ready', reason: 'there is nothing to look at but the binding, which is checked when the store is made' },
    { rule: 'R-01 of 50 puts on one version exactly one wins', reason: noSwap },
    { rule: 'F-20 of 50 creations of one id exactly one wins', reason: noSwap },
    { rule: 'R-02 a delete among puts is final', reason: noSwap },
    { rule: 'R-11 of 50 puts through two handles exactly one wins', reason: noSwap },
  ],
  rowBytesMax: 25 * 1024 * 1024,
  words: {
    limits: '25 MiB a value, one write a second for each session; a read may be 60 seconds old, a logout too',
    eviction: 'none; expired keys go by themselves',
    restart: 'everything is there',
    failover: 'by Cloudflare; other locations may read old values for longer than 60 seconds',
  },
}
