import { RedisStore } from 'connect-redis'
import session from 'express-session'
import { createClient } from 'redis'
import { expressStore } from '../../../src/stores/express-store.ts'
import type { Lack } from '../../../src/testing/store-contract.ts'
import type { StoreProfile } from '../profile.ts'

const noSwap = 'stores for express-session have no conditional write'

const lacks: readonly Lack[] = [
  { rule: 'touch', reason: 'their touch moves their own expiry and not what is in the session' },
  { rule: 'getMany', reason: 'they read one session at a time' },
  { rule: 'idsOf', reason: 'they know no users' },
  { rule: 'scan', reason: 'some list all sessions at once, many not at all' },
  { rule: 'sweep', reason: 'dropping what has expired is their own business' },
  { rule: 'R-01 of 50 puts on one version exactly one wins', reason: noSwap },
  { rule: 'F-20 of 50 creations of one id exactly one wins', reason: noSwap },
  { rule: 'R-02 a delete among puts is final', reason: noSwap },
  { rule: 'R-11 of 50 puts through two handles exactly one wins', reason: noSwap },
]

const words: StoreProfile['words'] = {
  limits: 'those of the store within; two requests at the same moment overwrite each other',
  eviction: 'as the store within does',
  restart: 'as the store within does',
  failover: 'as the store within does',
}

/** One for the process, as an application would have it. */
const memory = new session.MemoryStore()

export const expressMemoryStore: StoreProfile = {
  name: 'express-store, MemoryStore',
  servers: [],
  breaks: false,
  open: async () => ({ store: expressStore(memory), close: async () => {} }),
  lacks,
  words,
}

export const connectRedis: StoreProfile = {
  name: 'express-store, connect-redis',
  servers: ['redis'],
  breaks: false,
  async open([url = '']) {
    const client = createClient({ url })
    await client.connect()
    return { store: expressStore(new RedisStore({ client, prefix: 'connect:' })), close: async () => client.destroy() }
  },
  lacks,
  words,
}
