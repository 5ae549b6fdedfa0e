import { CoatcheckError } from '../../core/errors.ts'

/** The own properties of a store's options: a polluted `Object.prototype` decides nothing, and a misspelt name is an error. */
export function storeOptions<Options extends object>(store: string, options: Options, known: readonly (keyof Options & string)[]): Options {
  if (typeof options !== 'object' || options === null) throw invalid(`${store} takes an object with any of ${known.join(', ')}`)
  const own = { __proto__: null, ...options } as Options
  const stray = Object.keys(own).find((key) => !(known as readonly string[]).includes(key))
  if (stray !== undefined) throw invalid(`${store} has no option ${stray}; write one of ${known.join(', ')}`)
  return own
}

/** Checks a whole number within bounds. */
export function wholeNumber(store: string, option: string, value: number, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value
  throw invalid(`${store}: ${option} must be a whole number from ${min} to ${max}`)
}

/** An error for an option that is wrong; `sentence` says what to write instead. */
export function invalid(sentence: string, cause?: unknown): CoatcheckError {
  return new CoatcheckError('config_invalid', sentence, cause)
}

/** Checks a prefix or name that becomes part of keys or of SQL: letters, digits and a few signs, so that it cannot say anything else. */
export function plainName(store: string, option: string, value: string, shape = /^[A-Za-z0-9_:.-]{0,64}$/): string {
  if (typeof value === 'string' && shape.test(value)) return value
  throw invalid(
    `${store}: ${option} must match ${String(shape)}; write for example '${option === 'prefix' ? 'shop:' : 'coatcheck_session'}'`,
  )
}
