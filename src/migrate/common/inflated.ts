import { inflateSync } from 'node:zlib'

/** What was deflated (zlib, RFC 1950), or `null` for what was not, and for what would come to more than `bytesMax`. */
export function inflated(bytes: Uint8Array, bytesMax: number): Buffer | null {
  try {
    return inflateSync(bytes, { maxOutputLength: bytesMax })
  } catch {
    return null
  }
}
