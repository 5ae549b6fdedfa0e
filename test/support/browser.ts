import { type Browser, chromium } from 'playwright-core'
import { findBrowser } from '../../scripts/browser.ts'

/** Why a browser test did not run, and what to type. */
export const noBrowser = 'there is no Chromium here; type: node scripts/install-programs.ts'

const args = [
  // Chromium refuses to run as root with its sandbox; these tests visit nothing but this machine.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A browser with an empty profile. Without one on this machine `null`, and with CI set an error. */
export async function launchBrowser(more: readonly string[] = []): Promise<Browser | null> {
  const executablePath = findBrowser()
  if (executablePath !== null) return chromium.launch({ executablePath, args: [...args, ...more] })
  if (process.env['CI']) throw new Error(noBrowser)
  return null
}
