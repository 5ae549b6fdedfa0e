/** The places a session can live in, for tests that must hold in all of them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSessions, type Sessions, type SessionsOptions, type SessionStore } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'

export const secret = 'a test secret of more than 32 bytes: 0123456789'

type Values = Record<string, unknown>

export interface Setup {
  readonly sessions: Sessions<Values>
  /** The store, with a count of the calls it got; `null` for sealed. */
  readonly store: (SessionStore & { calls: string[] }) | null
  /** Moves the clock. */
  advance(ms: number): void
  now(): number
  /** A second engine on the same store and secret, as another process would be. */
  again(options?: Partial<SessionsOptions<Values>>): Sessions<Values>
  close(): Promise<void>
}

export interface Backend {
  readonly name: string
  readonly carrier: 'stored' | 'sealed' | 'spill'
  setup(options?: Partial<SessionsOptions<Values>>): Setup
}

/** Records the name of every call. */
export function counted(store: SessionStore): SessionStore & { calls: string[] } {
  const calls: string[] = []
  const counting: Record<string, unknown> = { calls, guarantees: store.guarantees }
  for (const operation of ['get', 'put', 'delete', 'touch', 'getMany', 'idsOf', 'scan', 'sweep', 'close'] as const) {
    const call = store[operation] as ((...args: unknown[]) => Promise<unknown>) | undefined
    if (call === undefined) continue
    counting[operation] = (...args: unknown[]) => {
      calls.push(operation)
      return call.apply(store, args)
    }
  }
  return counting as unknown as SessionStore & { calls: string[] }
}

function backend(name: string, carrier: Backend['carrier'], open: () => { store: SessionStore | null; remove: () => void }): Backend {
  return {
    name,
    carrier,
    setup(options = {}) {
      const { store: inner, remove } = open()
      const store = inner === null ? null : counted(inner)
      let nowMs = 1_800_000_000_000
      const make = (more: Partial<SessionsOptions<Values>>): Sessions<Values> =>
        createSessions<Values>({
          secret,
          ...(store === null ? { irrevocable: true as const } : { store }),
          carrier,
          clock: () => nowMs,
          ...options,
          ...more,
        })
      const sessions = make({})
      return {
        sessions,
        store,
        advance: (ms) => (nowMs += ms),
        now: () => nowMs,
        again: (more = {}) => make(more),
        async close() {
          await sessions.close()
          remove()
        },
      }
    },
  }
}

function sqliteFile(): { store: SessionStore; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-test-'))
  return { store: sqliteStore({ file: join(folder, 'sessions.db') }), remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export const memory: Backend = backend('memory', 'stored', () => ({ store: memoryStore(), remove: () => {} }))
export const sqlite: Backend = backend('sqlite', 'stored', sqliteFile)
export const sealed: Backend = backend('sealed', 'sealed', () => ({ store: null, remove: () => {} }))
export const spill: Backend = backend('spill', 'spill', sqliteFile)

/** Every guarantee holds here. */
export const stored: readonly Backend[] = [memory, sqlite]
export const all: readonly Backend[] = [memory, sqlite, sealed, spill]
