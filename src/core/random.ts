import { CoatcheckError } from './errors.ts'
import type { Random } from './types.ts'

/** Exactly `size` bytes, or `random_failed`: a source that fails, or gives less, makes nothing at all. */
export function draw(random: Random, size: number): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = random(size)
  } catch (error) {
    throw new CoatcheckError('random_failed', 'the random source failed; no secret was made', error)
  }
  if (bytes instanceof Uint8Array && bytes.length === size) return bytes
  throw new CoatcheckError('random_failed', `the random source gave something else than ${size} bytes; no secret was made`)
}
