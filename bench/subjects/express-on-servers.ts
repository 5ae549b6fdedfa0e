import connectPgSimple from 'connect-pg-simple'
import { RedisStore } from 'connect-redis'
import expressSession, { type Store } from 'express-session'
import { Pool } from 'pg'
import { serveExpress } from '../frameworks/express.ts'
import { secret } from '../session.ts'
import { connectRedis } from './connect.ts'
import { handlers } from './express-peers.ts'
import type { Running, Subject } from './subject.ts'

function start(store: Store): Promise<Running> {
  return serveExpress(handlers, (app) => app.use(expressSession({ secret, store, resave: false, saveUninitialized: false })))
}

const PgStore = connectPgSimple(expressSession)

export const subjects: Subject[] = [
  {
    name: 'express-session, redis',
    on: 'express',
    kind: 'peer',
    store: 'redis',
    start: async ({ url }) => start(new RedisStore({ client: await connectRedis(url) })),
  },
  {
    name: 'express-session, postgres',
    on: 'express',
    kind: 'peer',
    store: 'postgres',
    start: ({ url }) => start(new PgStore({ pool: new Pool({ connectionString: url }), createTableIfMissing: true })),
  },
]
