/** Frameworks of other languages, whose sessions the readers of src/migrate take over from the real thing. */
import { spawnSync } from 'node:child_process'
import { findProgram, type Program } from './launch.ts'

const pythons = new Map<string, string>()

/** A Python 3 that has these modules, `null` where there is none: the PATH's, else Debian's, which alone sees what apt-get installs. */
export function pythonWith(...modules: readonly string[]): string | null {
  const key = modules.join()
  const found = pythons.get(key) ?? [findProgram(['python3']), '/usr/bin/python3'].find((one) => hasModules(one, modules)) ?? null
  // One that is not there may be installed yet.
  if (found !== null) pythons.set(key, found)
  return found
}

/** Without importing them, which takes a second. */
function hasModules(python: string | null, modules: readonly string[]): boolean {
  const code = 'import sys, importlib.util; sys.exit(any(importlib.util.find_spec(one) is None for one in sys.argv[1:]))'
  return python !== null && spawnSync(python, ['-c', code, ...modules], { stdio: 'ignore' }).status === 0
}

/** A Ruby that has the part of Rails that makes cookies, and a server for it. */
export function rubyWithRails(): string | null {
  const ruby = findProgram(['ruby'])
  const code = "gem 'actionpack'; gem 'rack', '< 3'; gem 'webrick'"
  return ruby !== null && spawnSync(ruby, ['-e', code], { stdio: 'ignore' }).status === 0 ? ruby : null
}

export const flask: Program = { name: 'flask', packages: ['python3-flask'], present: () => pythonWith('flask') !== null }

export const django: Program = {
  name: 'django',
  packages: ['python3-django', 'python3-pymemcache'],
  present: () => pythonWith('django', 'pymemcache') !== null,
}

export const php: Program = { name: 'php', packages: ['php-cli'], present: () => findProgram(['php']) !== null }

export const rails: Program = { name: 'rails', packages: ['ruby-actionpack'], present: () => rubyWithRails() !== null }
