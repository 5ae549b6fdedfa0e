import { randomBytes } from 'node:crypto'

/** Mints versions: `process-count`. No other process, and no later life of this one, mints the same. */
export function versionMint(): () => string {
  // Drawn when first needed: Cloudflare Workers have no randomness while modules load, which is when a store is often made.
  let life = ''
  let minted = 0
  return () => {
    life ||= randomBytes(9).toString('base64url')
    return `${life}-${(++minted).toString(36)}`
  }
}
