import type { DatastoreStoreOptions } from '../datastore.ts'
import type { FirestoreStoreOptions } from '../firestore.ts'
import { exported, load } from './load.ts'
import { closing, type Opener } from './openers.ts'

/** `datastore://project`, or `datastore://host:port/project` for an emulator. */
const openDatastore: Opener = async (url) => {
  const Datastore = exported<new (options: object) => DatastoreStoreOptions['client']>(await load('@google-cloud/datastore'), 'Datastore')
  const { datastoreStore } = await import('../datastore.ts')
  const { project, emulator } = googlePlace(url)
  return datastoreStore({
    client: new Datastore({ projectId: project, ...(emulator === null ? {} : { apiEndpoint: `http://${emulator}` }) }),
  })
}

/** `firestore://project`, or `firestore://host:port/project` for an emulator. */
const openFirestore: Opener = async (url) => {
  type Client = FirestoreStoreOptions['client'] & { terminate(): Promise<void> }
  const Firestore = exported<new (options: object) => Client>(await load('@google-cloud/firestore'), 'Firestore')
  const { firestoreStore } = await import('../firestore.ts')
  const { project, emulator } = googlePlace(url)
  const client = new Firestore({ projectId: project, ...(emulator === null ? {} : { host: emulator, ssl: false }) })
  return closing(firestoreStore({ client }), () => client.terminate())
}

function googlePlace(url: string): { readonly project: string; readonly emulator: string | null } {
  const [, first = '', second] = /^[a-z]+:\/\/([^/]+)\/?(.*)$/.exec(url) ?? []
  return second ? { project: second, emulator: first } : { project: first, emulator: null }
}

export const openDocument: Readonly<Record<string, Opener>> = { datastore: openDatastore, firestore: openFirestore }
