import { mirroredStore } from '../../../src/stores/mirrored.ts'
import type { Lack } from '../../../src/testing/store-contract.ts'
import type { StoreProfile } from '../profile.ts'
import { mysql } from './mysql.ts'
import { postgres } from './postgres.ts'

function moving(phase: 'from' | 'to', lacks: readonly Lack[]): StoreProfile {
  return {
    name: `mirrored, mysql to postgres, phase '${phase}'`,
    servers: ['mysql', 'postgres'],
    async open([oldUrl = '', newUrl = '']) {
      const [old, fresh] = [await mysql.open([oldUrl]), await postgres.open([newUrl])]
      const store = mirroredStore({ from: old.store, to: fresh.store, phase })
      return { store, close: async () => void (await store.close?.(), await Promise.all([old.close(), fresh.close()])) }
    },
    lacks,
    words: {
      limits: 'the smaller of the two',
      eviction: 'that of the store a session is in',
      restart: 'that of the store a session is in',
      failover:
        "in phase 'from' the new store may be away; in phase 'to' a session that has moved needs the new one only, and new ones need both",
    },
  }
}

export const mirroredFrom: StoreProfile = moving('from', [])
export const mirroredTo: StoreProfile = moving('to', [
  { rule: 'a body comes back as it was: zero characters', reason: 'the new store keeps none in text' },
])
