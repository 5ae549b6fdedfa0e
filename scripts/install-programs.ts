// node scripts/install-programs.ts: makes sure that the programs the tests drive are there: a browser, the servers of all stores, tools.
import { spawnSync } from 'node:child_process'
import { findBrowser } from './browser.ts'
import { kinds, tools } from './servers/index.ts'
import { findProgram, type Program } from './servers/launch.ts'

const wanted: readonly Program[] = [
  { name: 'chromium', packages: ['chromium-headless-shell'], present: () => findBrowser() !== null },
  ...[...kinds, ...tools].filter(({ packages }) => packages.length > 0),
]

function missing(): readonly Program[] {
  return wanted.filter((one) => !one.present())
}

function apt(...args: readonly string[]): boolean {
  console.log(`> apt-get ${args.join(' ')}`)
  // Debian would start the servers it installs; the tests start their own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  return spawnSync('apt-get', args, { stdio: 'inherit', env }).status === 0
}

/** One after the other where all at once fails: a package that this Debian lacks must not keep the others away. */
function install(packages: readonly string[]): void {
  const flags = ['install', '--yes', '--no-install-recommends', '-qq']
  if (!apt('update', '-qq') || apt(...flags, ...packages)) return
  for (const one of packages) apt(...flags, one)
}

function main(): void {
  const before = missing()
  if (before.length === 0) return
  console.log(`Not found: ${before.map(({ name }) => name).join(', ')}. Some tests need them.`)
  if (process.getuid?.() === 0 && findProgram(['apt-get']) !== null) install(before.flatMap(({ packages }) => packages))
  const after = missing()
  if (after.length === 0) return
  console.log('Install them, then run the tests again:\n')
  console.log(`  Debian, Ubuntu   sudo apt-get install ${after.flatMap(({ packages }) => packages).join(' ')}`)
  console.log('  a browser        CHROMIUM=<path of a Chromium or Chrome> npm test, on any system\n')
  console.log(process.env['CI'] ? 'With CI set their tests fail without them.' : 'Until then their tests are skipped.')
}

main()
