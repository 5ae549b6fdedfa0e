/** Cloudflare's own runtime, running the sources as they are: no build, workerd finds `./x.ts` among the modules by name. */
import { stripTypeScriptTypes } from 'node:module'
import { posix } from 'node:path'
import { Miniflare } from 'miniflare'
import { importsOf, root, textOf } from '../../scripts/source.ts'
import type { DurableObjectStoreOptions, KvStoreOptions } from '../../src/stores/cloudflare.ts'

export interface WorkerdOptions {
  /** Default: a free one. */
  readonly port?: number
  /** Where what is stored outlives workerd. Default: nowhere. */
  readonly folder?: string
  readonly d1Databases?: string[]
  readonly kvNamespaces?: string[]
  readonly durableObjects?: Record<string, { className: string; useSQLite?: boolean }>
}

/** Starts a Worker. `main` is the text of its main module, in JavaScript, which lies at the root of the repository. */
export async function startWorkerd(main: string, { folder, ...bindings }: WorkerdOptions): Promise<Miniflare> {
  const kept = folder === undefined ? {} : { d1Persist: folder, kvPersist: folder, durableObjectsPersist: folder }
  const miniflare = new Miniflare({
    compatibilityDate: '2026-07-01',
    compatibilityFlags: ['nodejs_compat'],
    rootPath: root,
    modulesRoot: '.',
    modules: [{ type: 'ESModule', path: 'main.mjs', contents: main }, ...modulesOf('main.mjs', main)],
    ...kept,
    ...bindings,
  })
  await miniflare.ready
  return miniflare
}

// The types of Cloudflare's bindings are a package of their own, which nobody here needs for anything else.

/** A binding of Durable Objects. */
export async function objectsOf(miniflare: Miniflare, name: string): Promise<DurableObjectStoreOptions['namespace']> {
  return (await miniflare.getDurableObjectNamespace(name)) as unknown as DurableObjectStoreOptions['namespace']
}

/** A binding of KV. */
export async function keysOf(miniflare: Miniflare, name: string): Promise<KvStoreOptions['namespace']> {
  return (await miniflare.getKVNamespace(name)) as unknown as KvStoreOptions['namespace']
}

interface Module {
  readonly type: 'ESModule'
  readonly path: string
  readonly contents: string
}

/** Everything a module imports, and what that imports. */
function modulesOf(main: string, text: string): Module[] {
  const found = new Map<string, Module>()
  const walk = (file: string, source: string): void => {
    for (const specifier of importsOf(file, source)) {
      const path = posix.join(posix.dirname(file), specifier)
      if (!specifier.startsWith('.') || found.has(path)) continue
      const typed = textOf(path)
      found.set(path, { type: 'ESModule', path, contents: stripTypeScriptTypes(typed) })
      walk(path, typed)
    }
  }
  walk(main, text)
  return [...found.values()]
}
