import { CoatcheckError } from '../../core/errors.ts'

/** For options of a reader that are wrong. */
export function invalid(sentence: string): CoatcheckError {
  return new CoatcheckError('config_invalid', sentence)
}
