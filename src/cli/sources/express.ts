/** Stores of express-session, and of `@fastify/session`, which takes the same. */
import { fromExpressSession, passportUser, type ExpressStore } from '../../migrate/express-session.ts'
import { fromFastifySession } from '../../migrate/fastify-session.ts'
import type { MoveIn } from '../../index.ts'
import { openMongo, openPostgres, openRedis } from './clients.ts'
import { common, given, reading, type Source, type SourceSettings } from './source.ts'

/** No cookie is read, so that any secret will do. */
const secret = 'moving in bulk verifies no cookie'
const usual = ['from-cookie', 'signed-in'] as const

type Reader = (settings: SourceSettings, store: ExpressStore, layout: { prefix?: string; table?: string }) => MoveIn

const express: Reader = (settings, store, layout) =>
  fromExpressSession({ secret, store, ...layout, ...common(settings), ...userOf(settings) })
const fastify: Reader = (settings, store, layout) =>
  fromFastifySession({ secret, store, ...layout, ...common(settings), ...userOf(settings) })

function userOf({ signedIn }: SourceSettings): { map?: typeof passportUser } {
  return signedIn ? { map: passportUser } : {}
}

function inRedis(holds: string, reader: Reader): Source {
  return {
    holds,
    needs: ['from-url'],
    takes: ['from-prefix', ...usual],
    example: 'redis://localhost:6379/0',
    open: (settings) => reading(settings, openRedis, (client) => reader(settings, client, given('prefix', settings.prefix))),
  }
}

function inPostgres(holds: string, reader: Reader): Source {
  return {
    holds,
    needs: ['from-url'],
    takes: ['from-table', ...usual],
    example: 'postgres://localhost/shop',
    open: (settings) => reading(settings, openPostgres, (client) => reader(settings, client, given('table', settings.table))),
  }
}

function inMongo(holds: string, reader: Reader): Source {
  return {
    holds,
    needs: ['from-url'],
    takes: ['from-table', ...usual],
    example: 'mongodb://localhost/shop',
    open: (settings) =>
      reading(
        settings,
        (url) => openMongo(url, settings.table ?? 'sessions'),
        (client) => reader(settings, client, {}),
      ),
  }
}

export const expressSources = {
  'express-redis': inRedis('express-session with connect-redis', express),
  'express-pg': inPostgres('express-session with connect-pg-simple', express),
  'express-mongo': inMongo('express-session with connect-mongo', express),
  'fastify-redis': inRedis('@fastify/session with connect-redis', fastify),
  'fastify-pg': inPostgres('@fastify/session with connect-pg-simple', fastify),
  'fastify-mongo': inMongo('@fastify/session with connect-mongo', fastify),
} as const satisfies Record<string, Source>
