import { postgresStore } from 'coatcheck/postgres'
import { redisStore } from 'coatcheck/redis'
import { Pool } from 'pg'
import { type Carried, ours } from './coatcheck.ts'
import { connectRedis } from './connect.ts'
import type { Place, Subject } from './subject.ts'

const redis = async ({ url }: Place): Promise<Carried> => ({ store: redisStore({ client: await connectRedis(url) }) })

/** As docs/stores.md has it: Redis tells the client which of the keys it holds have changed. */
const nearCache = async ({ url }: Place): Promise<Carried> => {
  const clientSideCache = { maxEntries: 10_000, evictPolicy: 'FIFO', recordStats: false } as const
  return { store: redisStore({ client: await connectRedis(url, { RESP: 3, clientSideCache }) }) }
}

async function postgres({ url }: Place): Promise<Carried> {
  const store = postgresStore({ client: new Pool({ connectionString: url }) })
  await store.migrate()
  return { store }
}

export const subjects: Subject[] = [
  ours('node', 'redis', redis, 'redis'),
  ours('node', 'near cache', nearCache, 'redis'),
  ours('node', 'postgres', postgres, 'postgres'),
  ours('express', 'redis', redis, 'redis'),
  ours('express', 'postgres', postgres, 'postgres'),
]
