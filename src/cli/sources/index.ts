/** Every system whose sessions can be moved in bulk, by the name that `--from` takes. */
import { usage } from '../io.ts'
import { didYouMean } from '../nearest.ts'
import { djangoSources } from './django.ts'
import { expressSources } from './express.ts'
import { koaSources } from './koa.ts'
import { phpSources } from './php.ts'
import type { Source } from './source.ts'
import { webapp2Sources } from './webapp2.ts'

export const sources: Readonly<Record<string, Source>> = {
  ...expressSources,
  ...koaSources,
  ...djangoSources,
  ...phpSources,
  ...webapp2Sources,
}

export function sourceNamed(name: string): Source {
  const source = Object.hasOwn(sources, name) ? sources[name] : undefined
  if (source !== undefined) return source
  const names = Object.keys(sources)
  throw usage(`there is no source ${name}${didYouMean(name, names)}\nWrite --from with one of ${names.join(', ')}`)
}
