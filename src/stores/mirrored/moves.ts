/**
 * Moving a session from one store to the other, by compare-and-swap alone:
 *
 *   1  claim    a copy into the other store: its version is good for one write, once
 *   2  moving   the row here says so, with all that is in it, and from now on whoever meets it goes on with 3
 *   3  plain    the row over the claim: now the other store decides
 *   4  moved    the row here says so
 *
 * Whoever comes late with 3 finds the claim used or gone, so a session that ended meanwhile does not come back.
 */
import { CoatcheckError } from '../../core/errors.ts'
import type { Row } from '../../core/types.ts'
import { copyOf, look, movedOf, movingOf, type Place, type Side } from './place.ts'

type Moving = Place & { kind: 'moving' }

export interface Found {
  readonly side: Side
  readonly row: Row
  readonly version: string
}

const attemptsMax = 16

export class Moves {
  readonly #from: Side
  readonly #to: Side

  constructor(from: Side, to: Side) {
    this.#from = from
    this.#to = to
  }

  other(side: Side): Side {
    return side === this.#from ? this.#to : this.#from
  }

  /** The session, wherever it is, looked for in `first` first. */
  async find(id: string, first: Side): Promise<Found | null> {
    const found = await this.walk(id, first)
    return found === null || 'ended' in found ? null : found
  }

  /** The same, telling where one ended whose end is under way. What is moving is brought to its end. */
  async walk(id: string, first: Side): Promise<Found | { readonly ended: Side } | null> {
    let side = first
    const passed = new Map<Side, string | null>()
    for (let step = 0; step < attemptsMax; step++) {
      const place = await look(side, id)
      if (place?.kind === 'plain') return { side, row: place.row, version: place.version }
      if (place?.kind === 'ended') return { ended: side }
      if (place?.kind === 'moving') {
        await this.finish(side, place)
        continue
      }
      const version = place?.version ?? null
      // A session that goes to and fro can be missed on both sides, but then something lies here now that did not before.
      if (passed.has(this.other(side)) && (version === null || passed.get(side) === version)) return null
      passed.set(side, version)
      side = this.other(side)
    }
    throw tooManyMoves()
  }

  /**
   * Moves `row` to the other store, in the place of version `expected` here. Answers its version there, or `null` when somebody else was
   * faster. `was`: the version whose holders may go on, because the row is the one they have seen.
   */
  async move(side: Side, expected: string | null, row: Row, was: string | null): Promise<string | null> {
    const claim = await this.#claim(this.other(side), row)
    if (claim === null) return null
    const version = await side.store.put(movingOf(row, claim, was), expected)
    return version === null ? null : this.finish(side, { kind: 'moving', row, claim, was, version })
  }

  /** Brings a move to its end. Answers the version of the row there, or one that holds no more when it has been written since. */
  async finish(side: Side, begun: Moving): Promise<string> {
    const other = this.other(side)
    let place: Place | null = begun
    for (let attempt = 0; attempt < attemptsMax && place?.kind === 'moving'; attempt++) {
      const { row, claim, was, version }: Moving = place
      const written = await other.store.put(row, claim)
      const there: Place | null = written === null ? await look(other, row.id) : null
      if (there?.kind === 'copy') {
        // Somebody copied over the claim.
        const renewed = await side.store.put(movingOf(row, there.version, was), version)
        place = renewed === null ? await look(side, row.id) : { ...place, claim: there.version, version: renewed }
        continue
      }
      // Somebody was faster. As long as the row is as it was moved, whoever has seen it here may go on there.
      const as: string | null = written ?? versionOf(there, row)
      await side.store.put(movedOf(row, was, as), version)
      return as ?? claim
    }
    if (place?.kind === 'moving') throw tooManyMoves()
    return versionOf(await look(other, begun.row.id), begun.row) ?? begun.claim
  }

  /** Where a version leads that holds no more in this store, because its row has moved. */
  async successor(side: Side, id: string, version: string): Promise<string | null> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const place = await look(side, id)
      if (place?.kind !== 'moving') return place?.kind === 'moved' && place.was === version ? place.as : null
      await this.finish(side, place)
    }
    throw tooManyMoves()
  }

  /** The version of a copy that shows that this store can keep the row, and for as long; `null` where the session already is, or was. */
  async #claim(side: Side, row: Row): Promise<string | null> {
    const copy = copyOf(row)
    let expected: string | null = null
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const version = await side.store.put(copy, expected)
      if (version !== null) return version
      const place = await look(side, row.id)
      if (place !== null && place.kind !== 'copy' && place.kind !== 'moved') return null
      const serves = place?.kind === 'copy' && place.bytes >= Buffer.byteLength(copy.body) && place.expiresAt >= copy.expiresAt
      if (serves) return place.version
      expected = place?.version ?? null
    }
    throw tooManyMoves()
  }
}

function versionOf(place: Place | null, { body, user }: Row): string | null {
  return place?.kind === 'plain' && place.row.body === body && place.row.user === user ? place.version : null
}

export function tooManyMoves(): CoatcheckError {
  return new CoatcheckError('store_unavailable', `mirroredStore: other processes were faster ${attemptsMax} times; try again`)
}
