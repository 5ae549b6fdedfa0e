import type { SessionStore } from '../../core/types.ts'
import { invalid } from './options.ts'

/** Checks that an option is a store with compare-and-swap. */
export function innerStore(store: string, option: string, value: unknown): SessionStore {
  const given = value as Partial<SessionStore> | null | undefined
  const methods = [given?.get, given?.put, given?.delete]
  if (methods.some((method) => typeof method !== 'function') || typeof given?.guarantees !== 'object')
    throw invalid(`${store}: ${option} must be a session store; write for example ${option}: sqliteStore({ file: 'sessions.db' })`)
  if (!given.guarantees.compareAndSwap)
    throw invalid(`${store}: ${option} has no compare-and-swap, and without it an update or a logout can be undone; choose another store`)
  return given as SessionStore
}
