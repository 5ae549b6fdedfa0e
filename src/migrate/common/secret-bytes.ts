import { invalid } from './reader.ts'

/** A secret that is text or bytes, or several, newest first. */
export type SecretBytes = string | Uint8Array | readonly (string | Uint8Array)[]

/** Each secret as bytes, text as UTF-8. Throws `config_invalid`. */
export function secretBytesOf(reader: string, option: string, value: unknown): readonly Buffer[] {
  const all: unknown[] = Array.isArray(value) ? value : [value]
  if (all.length > 0 && all.every((one) => (typeof one === 'string' || one instanceof Uint8Array) && one.length > 0))
    return (all as (string | Uint8Array)[]).map((one) => Buffer.from(one as string))
  throw invalid(`${reader}: ${option} must be the old application's secret, as text or bytes, or an array of them, newest first`)
}

/** A number of seconds that something lives. Throws `config_invalid`. */
export function secondsOf(reader: string, option: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
  throw invalid(`${reader}: ${option} must be the old application's, a number of seconds`)
}
