// node --import ./scripts/resolve-source.ts program.ts: `coatcheck` and `coatcheck/…` are the sources, no build needed.
import { registerHooks } from 'node:module'
import { posix } from 'node:path'
import manifest from '../package.json' with { type: 'json' }

const sources = new Map(
  Object.entries(manifest.exports).map(([subpath, built]) => [
    posix.join(manifest.name, subpath),
    new URL(built.replace('./dist/', '../src/').replace(/\.js$/, '.ts'), import.meta.url).href,
  ]),
)

registerHooks({
  resolve: (specifier, context, next) => next(sources.get(specifier) ?? specifier, context),
})
