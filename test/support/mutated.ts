/** Sources with a clause broken on purpose, to see a test fail. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../../scripts/source.ts'

/** In `file`, below src, the text `from` stands once and is replaced by `to`. */
export interface Break {
  readonly file: string
  readonly from: string
  readonly to: string
}

/** One clause, broken. */
export interface Mutant {
  /** A schedule that catches it, unless something has changed: then one of the next ones does. */
  readonly seed: number
  readonly breaks: readonly Break[]
}

export interface Mutated<Module> {
  readonly module: Module
  remove(): void
}

/** Imports `entry`, below src, from a copy of `folders` in which `breaks` are made. Throws when the sources do not say `from` any more. */
export async function mutated<Module>(entry: string, folders: readonly string[], breaks: readonly Break[]): Promise<Mutated<Module>> {
  mkdirSync(join(root, '.tmp'), { recursive: true })
  const copy = mkdtempSync(join(root, '.tmp', 'mutant-'))
  for (const one of [entry, ...folders]) cpSync(join(root, 'src', one), join(copy, one), { recursive: true })
  for (const { file, from, to } of breaks) {
    const text = readFileSync(join(copy, file), 'utf8')
    if (text.split(from).length !== 2) throw new Error(`src/${file} does not say once: ${from}`)
    writeFileSync(
      join(copy, file),
      text.replace(from, () => to),
    )
  }
  const module = (await import(pathToFileURL(join(copy, entry)).href)) as Module
  return { module, remove: () => rmSync(copy, { recursive: true }) }
}
