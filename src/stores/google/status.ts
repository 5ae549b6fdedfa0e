/** What Google's servers say when they do not do as asked: https://cloud.google.com/datastore/docs/concepts/errors */
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CoatcheckError } from '../../core/errors.ts'
import { unavailable } from '../common/errors.ts'
import { invalid } from '../common/options.ts'

/** Codes of gRPC. */
export const status = {
  invalidArgument: 3,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  failedPrecondition: 9,
  aborted: 10,
  unauthenticated: 16,
} as const

const advice: Readonly<Record<number, string>> = {
  [status.notFound]: 'is the project right, and does it have the database (gcloud firestore databases list)?',
  [status.permissionDenied]: 'give the account this process runs as the role roles/datastore.user',
  [status.failedPrecondition]:
    'Datastore mode takes datastoreStore, Native mode firestoreStore; and `user` must not be exempt from indexing',
  [status.unauthenticated]: 'give the client credentials (https://cloud.google.com/docs/authentication)',
}

/** What the client says before it has asked any server. */
const noAccount = /default credentials|detect a project id/i

const triesMax = 6

export function statusOf(error: unknown): number | null {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null
  return typeof code === 'number' ? code : null
}

/** Calls again while the server says that others were in the way. Then nothing was applied, so nothing is done twice. */
export async function whileAborted<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call()
    } catch (error) {
      if (statusOf(error) !== status.aborted || tries === triesMax) throw error
    }
    await sleep(randomInt(5, 10 * 2 ** tries))
  }
}

/** The failure of a call, as the engine is told. */
export function failure(store: string, error: unknown): CoatcheckError {
  return unavailable(store, error, advice[statusOf(error) ?? -1])
}

/** The failure of `ready`: what only a person can mend is an error of the configuration. */
export function unfit(store: string, error: unknown): CoatcheckError {
  const code = statusOf(error)
  const mendable = code === status.invalidArgument || (code !== null && advice[code] !== undefined)
  const failed = failure(store, error)
  return mendable || noAccount.test(failed.message) ? invalid(failed.message.replace('[coatcheck] ', ''), error) : failed
}
