import { Datastore, v1 } from '@google-cloud/datastore'
import { datastoreStore } from '../../../src/stores/datastore.ts'
import { grpcCounter } from '../../support/grpc-counter.ts'
import { googleClientOptions, impatient, warmed } from '../../support/google.ts'
import type { OpenedProfile, StoreProfile } from '../profile.ts'

const words: StoreProfile['words'] = {
  limits: '1,048,000 bytes for a session, 1,499 for a user; larger ones are refused before they are sent',
  eviction: 'none',
  restart: 'what was acknowledged is there: Google writes to several zones first',
  failover:
    "Google's own, without loss; calls fail with `store_unavailable` meanwhile. The emulators keep no statistics: calls are counted on the wire",
}

/** `new Datastore()` on the emulator of old, which answers a lost race with 200. */
export const datastore: StoreProfile = {
  name: 'datastore',
  servers: ['datastore'],
  open: ([url = '']) =>
    openOn(url, (port) => {
      const client = datastoreOn(port, impatient)
      return { store: datastoreStore({ client }), close: () => closeDatastore(client) }
    }),
  rowBytesMax: 1_048_000,
  words,
}

/** The client as Google generates it, on the emulator of Firestore in Datastore mode. */
export const datastoreMode: StoreProfile = {
  ...datastore,
  name: 'datastore, v1 client in Datastore mode',
  servers: ['datastore-mode'],
  open: ([url = '']) =>
    openOn(url, (port) => {
      // Whoever speaks to a server of this machine does so without TLS; the other client knows how.
      const { sslCreds } = datastoreOn(port).options
      if (sslCreds === undefined) throw new Error('the client takes 127.0.0.1 for a server with TLS')
      const client = new v1.DatastoreClient({ ...googleClientOptions, ...impatient, servicePath: '127.0.0.1', port, sslCreds })
      return { store: datastoreStore({ client }), close: () => client.close() }
    }),
}

async function openOn(url: string, open: (port: number) => Omit<OpenedProfile, 'commands'>): Promise<OpenedProfile> {
  const { port } = new URL(url)
  const plain = datastoreOn(Number(port))
  await warmed(url, async () => datastoreStore({ client: plain }).ready?.())
  await closeDatastore(plain)
  const counter = await grpcCounter(Number(port))
  const { store, close } = open(counter.port)
  return { store, commands: async () => counter.calls, close: () => close().then(() => counter.close()) }
}

export function datastoreOn(port: number, options: object = {}): Datastore {
  return new Datastore({ ...googleClientOptions, apiEndpoint: `http://127.0.0.1:${port}`, ...options })
}

/** It has no `close` of its own. */
export async function closeDatastore(client: Datastore): Promise<void> {
  await Promise.all([...client['clients_'].values()].map((one) => one.close()))
}
