import type { SQLOutputValue } from 'node:sqlite'
import { crc32 } from 'node:zlib'

/** The columns a checksum is over, as they were written. */
export interface Columns {
  readonly version: string
  readonly user: string | null
  readonly expires_at: number
  readonly body: string | Uint8Array
}

/**
 * CRC-32 of all that a session is. SQLite keeps none of what is in its pages, and one bit makes another user, or a cart of somebody
 * else's. A user has no zero character, so that one stands for nobody.
 */
export function checksumOf(id: string, version: string, user: string | null, expiresAt: number, body: string | Uint8Array): number {
  return crc32(body, crc32(`${id}\n${version}\n${expiresAt}\n${user ?? '\0'}`))
}

/** Whether a row is as it was written, under the id it was asked for. */
export function isWhole(id: string, found: Record<string, SQLOutputValue>): boolean {
  // Rows from before there was a checksum.
  if (found['checksum'] === null) return true
  const { version, user, expires_at: expiresAt, body } = found as unknown as Columns
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) return false
  return found['checksum'] === checksumOf(id, version, user, expiresAt, body)
}
