import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The server's secret: made on the first start, kept in the data folder, readable by its owner only. */
export function keepSecret(dataFolder: string): { readonly secret: string; readonly isNew: boolean } {
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 })
  const file = join(dataFolder, 'secret')
  const fresh = randomBytes(32).toString('base64url')
  try {
    writeFileSync(file, `${fresh}\n`, { mode: 0o600, flag: 'wx' })
    return { secret: fresh, isNew: true }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    chmodSync(file, 0o600)
    return { secret: readFileSync(file, 'utf8').trim(), isNew: false }
  }
}
