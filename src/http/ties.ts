/**
 * Which session of another system one of ours is kept in step with: a member of its body, sealed, because where cookies are not signed an id
 * alone opens a session.
 *
 *     kid 6 │ base64url(nonce 12 ‖ ciphertext ‖ tag 16)
 *
 * AES-256-GCM with our session's id as additional data, so that it says nothing in another row. The plaintext is JSON,
 * `[system, cookie name, identity]`. Nonces are random: good for 2^32 sessions under one secret (NIST SP 800-38D section 8.3).
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { decodeBody, type State } from '../core/body.ts'
import { CoatcheckError } from '../core/errors.ts'
import type { Ring } from '../core/keys.ts'
import { draw } from '../core/random.ts'
import type { Clock, Random, SessionStore } from '../core/types.ts'
import type { DualWrite, MoveIn } from './move-in.ts'
import { oldCookiesOf } from './old-cookies.ts'

/** A reader whose sessions are kept in step with ours. */
export type Twin = MoveIn & { readonly dualWrite: DualWrite }

export interface Tie {
  readonly reader: Twin
  readonly identity: string
}

export interface TieParts {
  readonly clock: Clock
  readonly random: Random
}

const kidLength = 6
const nonceBytes = 12
const tagBytes = 16

export class Ties {
  readonly #twins: readonly Twin[]
  readonly #ring: Ring
  readonly #keys: ReadonlyMap<string, KeyObject>
  readonly #parts: TieParts

  constructor(twins: readonly Twin[], ring: Ring, parts: TieParts) {
    this.#twins = twins
    this.#ring = ring
    this.#keys = new Map([...ring.byKid].map(([kid, key]) => [kid, key.derive('tie')]))
    this.#parts = parts
  }

  /** For the body of the session with this id. */
  seal({ system, cookieName }: MoveIn, identity: string, id: string): string {
    const { kid } = this.#ring.newest
    const nonce = draw(this.#parts.random, nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', this.#keys.get(kid) as KeyObject, nonce, { authTagLength: tagBytes })
    cipher.setAAD(Buffer.from(id))
    const sealed = [cipher.update(JSON.stringify([system, cookieName, identity])), cipher.final(), cipher.getAuthTag()]
    return kid + Buffer.concat([nonce, ...sealed]).toString('base64url')
  }

  /** `null`: it goes alone, or does so by now. `'lost'`: sealed with a secret that is gone, so that nobody can say. */
  of({ from, id }: State): Tie | 'lost' | null {
    if (from === null) return null
    const opened = this.#open(from, id)
    if (opened === null) return 'lost'
    const [system, cookieName, identity = ''] = opened
    const reader = this.#alive().find((twin) => twin.system === system && twin.cookieName === cookieName)
    return reader === undefined ? null : { reader, identity }
  }

  /** The old sessions whose genuine cookies are in a Cookie header. */
  shownIn(header: string | undefined): Tie[] {
    if (header === undefined) return []
    const cookies = oldCookiesOf(header)
    return this.#alive().flatMap((reader) => {
      const ticket = reader.verify(cookies, this.#parts.clock())
      return ticket === null ? [] : [{ reader, identity: ticket.identity }]
    })
  }

  #alive(): readonly Twin[] {
    return this.#twins.filter(({ sunsetAt }) => sunsetAt === null || this.#parts.clock() <= sunsetAt)
  }

  /**
   * A `delete` that ends the old session too, and first: an old store that fails keeps ours, and with it the way to try again. And once more
   * behind it: a write of values under way may have brought the old one back in a store that cannot compare, and looks for ours
   * only when it is done (side-by-side.ts). `mark` notes that it was us.
   */
  ending(store: SessionStore, remove: (id: string) => Promise<void>, mark: (tie: Tie) => Promise<void>): (id: string) => Promise<void> {
    return async (id) => {
      const row = await store.get(id)
      const state = row === null ? null : decodeBody(row.body, id, row.user)
      const tie = state === null ? null : this.of(state)
      if (tie === null || tie === 'lost') return remove(id)
      await endOld(tie)
      await mark(tie)
      await remove(id)
      await endOld(tie)
    }
  }

  #open(from: string, id: string): readonly string[] | null {
    const key = this.#keys.get(from.slice(0, kidLength))
    const bytes = Buffer.from(from.slice(kidLength), 'base64url')
    if (key === undefined || bytes.length < nonceBytes + tagBytes) return null
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
    decipher.setAAD(Buffer.from(id)).setAuthTag(bytes.subarray(-tagBytes))
    try {
      const text = decipher.update(bytes.subarray(nonceBytes, -tagBytes)).toString()
      decipher.final()
      return JSON.parse(text) as string[]
    } catch {
      return null
    }
  }
}

/** Ends the old session. Throws `store_unavailable`. */
export async function endOld({ reader, identity }: Tie): Promise<void> {
  try {
    await reader.dualWrite.end(identity)
  } catch (error) {
    const why = `the session could not be ended in the old application (${reader.system}); try again`
    throw new CoatcheckError('store_unavailable', why, error)
  }
}
