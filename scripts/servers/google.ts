/** Google's own emulators, from the packages of the Google Cloud CLI; they need Java. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, launch, type ServerKind, theProgram } from './launch.ts'

const platform = '/usr/lib/google-cloud-sdk/platform'
const datastoreJar = join(platform, 'cloud-datastore-emulator/CloudDatastore.jar')
const firestoreJar = join(platform, 'cloud-firestore-emulator/cloud-firestore-emulator.jar')

function present(jar: string): boolean {
  return existsSync(jar) && findProgram(['java']) !== null
}

/** Answers the health check that both emulators have at their root. */
async function serves(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`).then(
    ({ ok }) => ok,
    () => false,
  )
}

export const datastore: ServerKind = {
  name: 'datastore',
  packages: ['google-cloud-cli-datastore-emulator'],
  present: () => present(datastoreJar),
  start: () =>
    launch({
      name: 'datastore',
      url: (port) => `datastore://127.0.0.1:${port}/coatcheck-test`,
      command: (port) => [
        theProgram(['java']),
        '-cp',
        datastoreJar,
        'com.google.cloud.datastore.emulator.CloudDatastore',
        'start',
        '--host=127.0.0.1',
        `--port=${port}`,
        '--testing',
      ],
      serves,
    }),
}

function firestoreEmulator(name: string, scheme: string, ...options: readonly string[]): ServerKind {
  return {
    name,
    packages: ['google-cloud-cli-firestore-emulator'],
    present: () => present(firestoreJar),
    start: () =>
      launch({
        name,
        url: (port) => `${scheme}://127.0.0.1:${port}/coatcheck-test`,
        command: (port) => [
          theProgram(['java']),
          '-Duser.language=en',
          '-cp',
          firestoreJar,
          'com.google.cloud.datastore.emulator.firestore.CloudFirestore',
          'start',
          '--host=127.0.0.1',
          `--port=${port}`,
          ...options,
        ],
        serves,
      }),
  }
}

export const firestore: ServerKind = firestoreEmulator('firestore', 'firestore')

/** What Datastore has become: Firestore, spoken to as Datastore. */
export const datastoreMode: ServerKind = firestoreEmulator('datastore-mode', 'datastore', '--database-mode=datastore-mode')
