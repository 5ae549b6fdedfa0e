/** The real servers that tests talk to. */
import { describe, inject, it } from 'vitest'
import { howToInstall, programNamed } from '../../scripts/servers/index.ts'

const asked = new Map<string, Promise<string>>()

/** The address of a server that all tests of a run share. What it holds is this file's where a server has databases, else everybody's. */
export function sharedServer(name: string): Promise<string> {
  const url = asked.get(name) ?? ask(name)
  asked.set(name, url)
  return url
}

async function ask(name: string): Promise<string> {
  const response = await fetch(`${inject('serversHost')}/${encodeURIComponent(name)}`)
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return text
}

/** Defines tests that need servers. Where one is missing there is a single test, skipped, that says what to install. */
export function describeWith(names: readonly string[], title: string, define: () => void): void {
  const missing = names.map(programNamed).filter((program) => !program.present())
  if (missing.length === 0) return void describe(title, define)
  const why = missing.map(howToInstall).join(', ')
  it(`${title}: skipped, ${why}`, (context) => context.skip(why))
}
