import { CoatcheckError, type ErrorCode } from '../../src/core/errors.ts'
import type { RequestHead } from '../../src/http/types.ts'

/** The CoatcheckError that `run` throws; any other end is a failed test. */
export function errorOf(run: () => unknown): CoatcheckError {
  let result: unknown
  try {
    result = run()
  } catch (error) {
    if (error instanceof CoatcheckError) return error
    throw error
  }
  throw new Error(`nothing thrown, but answered ${JSON.stringify(result)}`)
}

export function codeOf(run: () => unknown): ErrorCode {
  return errorOf(run).code
}

/** The best of twenty runs: what the code needs, not what the machine is busy with. */
export function fastestMs(run: () => unknown): number {
  const runs = Array.from({ length: 20 }, () => {
    const begin = performance.now()
    run()
    return performance.now() - begin
  })
  return Math.min(...runs)
}

/** Runs while every object inherits `dirt`. */
export function polluted<T>(dirt: Readonly<Record<string, unknown>>, run: () => T): T {
  const root: object = Object.getPrototypeOf({})
  for (const [key, value] of Object.entries(dirt)) {
    Object.defineProperty(root, key, { value, configurable: true, enumerable: true, writable: true })
  }
  try {
    return run()
  } finally {
    for (const key of Object.keys(dirt)) Reflect.deleteProperty(root, key)
  }
}

/** A request as an adapter shows it: header names in lower case. */
export function headOf(method: string, headers: Readonly<Record<string, string>>): RequestHead {
  return { method, header: (name) => headers[name] }
}
