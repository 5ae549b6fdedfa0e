import { invalid } from '../common/options.ts'

/** The package of a client, as the application has it. Throws `config_invalid` with what to type when it has none. */
export async function load(name: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const loaded = (await import(name)) as Record<string, unknown>
    // What CommonJS exports stands under `default`.
    return { ...(loaded['default'] as object | undefined), ...loaded }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error
    throw invalid(`the store at this address needs the package ${name}; type: npm install ${name}`, error)
  }
}

/** A function or class that a package exports. Its shape is what its documentation says; the store checks the client it makes. */
export function exported<T>(from: Readonly<Record<string, unknown>>, name: string): T {
  if (typeof from[name] === 'function') return from[name] as T
  throw invalid(`the installed package exports no ${name}; install a newer version`)
}
