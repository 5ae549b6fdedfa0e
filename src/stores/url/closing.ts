import type { SessionStore } from '../../core/types.ts'

/** The store, with a client that ends with it. */
export function closing(store: SessionStore, close: () => unknown): SessionStore {
  return {
    ...store,
    async close() {
      await store.close?.()
      await close()
    },
  }
}

/** The same, its tables made first if they are to be. When that fails nothing stays open. */
export async function migrated(
  store: SessionStore & { migrate(): Promise<void> },
  close: () => unknown,
  migrate: boolean,
): Promise<SessionStore> {
  try {
    if (migrate) await store.migrate()
    return closing(store, close)
  } catch (error) {
    await close()
    throw error
  }
}
