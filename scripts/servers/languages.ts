/** Frameworks of other languages, whose sessions the readers of src/migrate take over from the real thing. */
import { spawnSync } from 'node:child_process'
import { findProgram, type Program } from './launch.ts'

const pythons: Record<string, string | null> = {}

/** A Python 3 that can import this, `null` where there is none: the PATH's, else Debian's, which alone sees what apt-get installs. */
export function pythonWith(module: string): string | null {
  // To ask costs a process each time.
  return (pythons[module] ??= [findProgram(['python3']), '/usr/bin/python3'].find((python) => imports(python, module)) ?? null)
}

function imports(python: string | null, module: string): boolean {
  return python !== null && spawnSync(python, ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0
}

/** A Ruby that has Rails' part that makes cookies. */
export function rubyWithRails(): string | null {
  const ruby = findProgram(['ruby'])
  const asked =
    ruby === null ? null : spawnSync(ruby, ['-e', "require 'action_dispatch'; require 'rack/handler/webrick'"], { stdio: 'ignore' })
  return asked?.status === 0 ? ruby : null
}

export const flask: Program = { name: 'flask', packages: ['python3-flask'], present: () => pythonWith('flask') !== null }

export const django: Program = {
  name: 'django',
  packages: ['python3-django', 'python3-pymemcache'],
  present: () => pythonWith('django, pymemcache') !== null,
}

export const php: Program = { name: 'php', packages: ['php-cli'], present: () => findProgram(['php']) !== null }

export const rails: Program = { name: 'rails', packages: ['ruby-actionpack'], present: () => rubyWithRails() !== null }
