import { fromPhp } from '../../migrate/php.ts'
import { usage } from '../io.ts'
import { openRedis } from './clients.ts'
import { common, given, reading, type Source } from './source.ts'

export const phpSources = {
  'php-files': {
    holds: 'PHP with session.save_handler = files',
    needs: ['from-folder'],
    takes: ['from-cookie'],
    example: '/var/lib/php/sessions',
    async open(settings) {
      if (settings.folder === null) throw usage('--from-folder is missing; write the session.save_path of the old application')
      return { reader: fromPhp({ folder: settings.folder, allowUnsignedIds: true, ...common(settings) }), close: async () => {} }
    },
  },
  'php-redis': {
    holds: 'PHP with session.save_handler = redis',
    needs: ['from-url'],
    takes: ['from-prefix', 'from-cookie'],
    example: 'redis://localhost:6379/0',
    open: (settings) =>
      reading(settings, openRedis, (store) =>
        fromPhp({ store, allowUnsignedIds: true, ...given('prefix', settings.prefix), ...common(settings) }),
      ),
  },
} as const satisfies Record<string, Source>
