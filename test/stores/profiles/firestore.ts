import { Firestore } from '@google-cloud/firestore'
import { firestoreStore } from '../../../src/stores/firestore.ts'
import { googleClientOptions, impatient, warmed } from '../../support/google.ts'
import { grpcCounter } from '../../support/grpc-counter.ts'
import type { OpenedProfile, StoreProfile } from '../profile.ts'

export const firestore: StoreProfile = {
  name: 'firestore',
  servers: ['firestore'],
  async open([url = '']): Promise<OpenedProfile> {
    const port = Number(new URL(url).port)
    const plain = firestoreOn(port)
    await warmed(url, async () => firestoreStore({ client: plain }).ready?.())
    await plain.terminate()
    const counter = await grpcCounter(port)
    const client = firestoreOn(counter.port, impatient)
    return {
      store: firestoreStore({ client }),
      commands: async () => counter.calls,
      close: () => client.terminate().then(() => counter.close()),
    }
  },
  rowBytesMax: 1_048_000,
  words: {
    limits: '1,048,000 bytes for a session, 1,499 for a user; larger ones are refused before they are sent',
    eviction: 'none',
    restart: 'what was acknowledged is there: Google writes to several zones first',
    failover:
      "Google's own, without loss; calls fail with `store_unavailable` meanwhile. The emulator keeps no statistics: calls are counted on the wire",
  },
}

export function firestoreOn(port: number, options: object = {}): Firestore {
  return new Firestore({ ...googleClientOptions, host: `127.0.0.1:${port}`, ssl: false, ...options })
}
