import { fromPhp } from '../../migrate/php.ts'
import { usage } from '../io.ts'
import { common, type Source } from './source.ts'

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
} as const satisfies Record<string, Source>
