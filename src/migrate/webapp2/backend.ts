/** Where webapp2 keeps server-side sessions, as {@link webapp2Sessions} sees it. */
import { randomInt } from 'node:crypto'
import { CoatcheckError } from '../../core/errors.ts'
import type { PickleRefusal } from '../pickle/python.ts'
import type { Edit, Values } from './record.ts'

/** `null`: no such session. A word: there is one that cannot be read. */
export type Looked = Values | PickleRefusal | null

/** Made by `webapp2Memcache` or `webapp2Datastore`. */
export interface Webapp2Backend {
  read(sid: string, nowMs: number): Promise<Looked>
  /** Compare-and-swap: changes the newest values, whoever wrote them, and brings nothing back that is gone. */
  update(sid: string, edit: Edit, nowMs: number): Promise<Looked>
  /** Only where nothing is; `false`: something was. */
  create(sid: string, values: Readonly<Values>, nowMs: number): Promise<boolean>
  delete(sid: string): Promise<void>
  /** All there are, a page at a time, where that can be asked; `cursor: null` starts, and ends. */
  page?(cursor: string | null, limit: number): Promise<SidPage>
}

export interface SidPage {
  /** `writtenAt`: unix milliseconds, `null` where nobody has noted it. */
  readonly found: readonly { readonly sid: string; readonly writtenAt: number | null }[]
  readonly cursor: string | null
}

const attemptsMax = 32

/** Tries until nobody else wrote in between. `attempt` answers `'lost'` when somebody did. */
export async function untilWon<T>(attempt: () => Promise<T | 'lost'>): Promise<T> {
  for (let n = 1; n <= attemptsMax; n++) {
    const answer = await attempt()
    if (answer !== 'lost') return answer
    if (n > 2) await new Promise((resolve) => setTimeout(resolve, randomInt(1, 2 + n)))
  }
  throw new CoatcheckError('conflict', `others won every one of ${attemptsMax} attempts to write this session; try again`)
}

/** Whatever a client rejects with. */
export function unavailable(what: string, cause: unknown): CoatcheckError {
  return cause instanceof CoatcheckError ? cause : new CoatcheckError('store_unavailable', `webapp2's sessions: ${what} failed`, cause)
}
