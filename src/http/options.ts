import { CoatcheckError } from '../core/errors.ts'

/** The own properties of an options object: one that inherits nothing, so that a polluted `Object.prototype` decides nothing. */
export function ownOptions<Options extends object>(option: string, options: Options, known: readonly (keyof Options & string)[]): Options {
  if (typeof options !== 'object' || options === null) throw invalid(`\`${option}\` must be an object with any of ${known.join(', ')}`)
  const own = { __proto__: null, ...options } as Options
  const stray = Object.keys(own).find((key) => !(known as readonly string[]).includes(key))
  if (stray !== undefined) throw invalid(`\`${option}.${stray}\` is no option; write one of ${known.join(', ')}`)
  return own
}

/** An error for an option that is wrong; `sentence` says what to write instead. */
export function invalid(sentence: string): CoatcheckError {
  return new CoatcheckError('config_invalid', sentence)
}
