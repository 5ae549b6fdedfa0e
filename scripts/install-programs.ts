// node scripts/install-chromium.ts: makes sure that there is a browser for the tests that drive one.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const applications = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium']

/** The browser to drive: `$CHROMIUM`, else the first one on the PATH or in macOS's applications. `null`: none. */
export function findBrowser(): string | null {
  const chosen = process.env['CHROMIUM']
  if (chosen) return isProgram(chosen) ? chosen : null
  return [...names.flatMap(onPath), ...applications].find(isProgram) ?? null
}

function onPath(name: string): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name))
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function canInstall(): boolean {
  return process.getuid?.() === 0 && onPath('apt-get').some(isProgram)
}

function apt(...args: string[]): boolean {
  console.log(`> apt-get ${args.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync('apt-get', args, { stdio: 'inherit', env }).status === 0
}

function main(): void {
  if (findBrowser() !== null) return
  console.log('No chromium found; some tests drive a real browser.')
  if (canInstall() && apt('update') && apt('install', '--yes', '--no-install-recommends', 'chromium') && findBrowser() !== null) return
  console.log('Install one, then run the tests again:\n')
  console.log('  Debian, Ubuntu   sudo apt-get install chromium\n  macOS            brew install --cask chromium')
  console.log('  anything else    CHROMIUM=<path of a Chromium or Chrome> npm test\n')
  console.log(process.env['CI'] ? 'With CI set those tests fail without it.' : 'Until then those tests are skipped.')
}

if (import.meta.main) main()
