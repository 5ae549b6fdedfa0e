import { djangoUser, fromDjango, type DjangoOptions } from '../../migrate/django.ts'
import type { MoveIn } from '../../index.ts'
import { usage } from '../io.ts'
import { openDatabase, openRedis } from './clients.ts'
import { common, given, reading, type Source, type SourceSettings } from './source.ts'

const usual = ['from-cookie', 'signed-in'] as const

export const djangoSources = {
  'django-db': {
    holds: 'Django with SESSION_ENGINE …backends.db or …backends.cached_db',
    needs: ['from-url', 'secret'],
    takes: ['from-table', ...usual],
    example: 'postgres://localhost/shop, mysql://…, sqlite:db.sqlite3',
    open: (settings) => reading(settings, openDatabase, (database) => reader(settings, { database, ...given('table', settings.table) })),
  },
  'django-cache': {
    holds: 'Django with SESSION_ENGINE …backends.cache in Redis; --from-prefix is its KEY_PREFIX',
    needs: ['from-url'],
    takes: ['from-prefix', ...usual],
    example: 'redis://localhost:6379/1',
    open: (settings) => reading(settings, openRedis, (cache) => reader(settings, { cache, ...given('cachePrefix', settings.prefix) })),
  },
  'django-files': {
    holds: 'Django with SESSION_ENGINE …backends.file',
    needs: ['from-folder', 'secret'],
    takes: usual,
    example: '/var/lib/shop/sessions',
    async open(settings) {
      if (settings.folder === null) throw usage('--from-folder is missing; write the SESSION_FILE_PATH of the old application')
      return { reader: reader(settings, { folder: settings.folder }), close: async () => {} }
    },
  },
} as const satisfies Record<string, Source>

function reader(settings: SourceSettings, place: Pick<DjangoOptions, 'database' | 'table' | 'cache' | 'cachePrefix' | 'folder'>): MoveIn {
  const map = settings.signedIn ? { map: djangoUser } : {}
  // A cache alone signs nothing.
  const key = settings.secrets.length === 0 ? {} : { secretKey: settings.secrets }
  return fromDjango({ ...key, allowUnsignedIds: true, ...place, ...common(settings), ...map })
}
