import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import type { SessionStore } from '../../src/core/types.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { storeContract } from '../../src/testing/store-contract.ts'
import type { OpenedStore } from '../../src/testing/store-contract.ts'

const noWaiting = { rule: 'getMany', reason: 'reads wait for nothing, so there is nothing to gather' }
const noServer = { rule: 'ready', reason: 'there is no server to look at: what is wrong with a file shows when it is opened' }

// Without a clock that moves it never drops expired rows by the way, so that the rules of the sweep see some.
for (const clock of [() => 0, Date.now]) {
  storeContract(
    {
      name: `memoryStore, ${clock === Date.now ? 'with a clock' : 'at rest'}`,
      open: async () => ({ store: memoryStore({ clock }) }),
      lacks: [
        noWaiting,
        noServer,
        { rule: 'second', reason: 'the rows live in one process' },
        { rule: 'reopen', reason: 'the rows end with the process' },
      ],
    },
    { describe, it },
  )
}

const folder = mkdtempSync(join(tmpdir(), 'coatcheck-contract-'))

async function openSqlite(durability: 'full' | 'normal'): Promise<OpenedStore> {
  const open = (): SessionStore => sqliteStore({ file: join(folder, `${durability}.db`), durability })
  let store = open()
  const second = open()
  return {
    store,
    second,
    async reopen() {
      await store.close?.()
      return (store = open())
    },
    async close() {
      await store.close?.()
      await second.close?.()
    },
  }
}

// Twice on the same file: rows of an earlier run must not matter.
for (const durability of ['full', 'normal', 'full'] as const) {
  storeContract({ name: `sqliteStore, ${durability}`, open: () => openSqlite(durability), lacks: [noWaiting, noServer] }, { describe, it })
}

storeContract(
  {
    name: 'sqliteStore, in memory',
    open: async () => ({ store: sqliteStore({ file: ':memory:' }) }),
    lacks: [
      noWaiting,
      noServer,
      { rule: 'second', reason: 'the rows live in one handle' },
      { rule: 'reopen', reason: 'the rows end with the handle' },
    ],
  },
  { describe, it },
)

describe('afterwards', () => {
  it('leaves no file', () => rmSync(folder, { recursive: true }))
})
