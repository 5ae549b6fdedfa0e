/** Reads and writes of one session that is in one of two stores. */
import type { Row, StoredRow } from '../../core/types.ts'
import type { Copies } from './copies.ts'
import { type Moves, tooManyMoves } from './moves.ts'
import { endedOf, isPlain, type Side } from './place.ts'

const attemptsMax = 16

export class MirroredRows {
  /** Answers from the other store than the one looked into first. */
  followed = 0
  moved = 0
  readonly #sides: Readonly<Record<Side['name'], Side>>
  readonly #home: Side
  readonly #moves: Moves
  readonly #copies: Copies

  constructor(sides: Readonly<Record<Side['name'], Side>>, home: Side, moves: Moves, copies: Copies) {
    this.#sides = sides
    this.#home = home
    this.#moves = moves
    this.#copies = copies
  }

  async get(id: string): Promise<StoredRow | null> {
    const found = await this.#moves.find(id, this.#home)
    if (found === null) return null
    if (found.side !== this.#home) this.followed++
    return { ...found.row, version: nameOf(found.side, found.version) }
  }

  async getMany(ids: readonly string[]): Promise<(StoredRow | null)[]> {
    const { store } = this.#home
    const rows = (await store.getMany?.(ids)) ?? []
    const answer = (id: string, row: StoredRow | null | undefined): Promise<StoredRow | null> | StoredRow =>
      row && isPlain(row) ? { ...row, version: nameOf(this.#home, row.version) } : this.get(id)
    return Promise.all(ids.map((id, i) => answer(id, rows[i])))
  }

  async put(row: Row, expected: string | null): Promise<string | null> {
    if (expected === null) return this.#write(this.#home, row, null)
    const [, name, version = ''] = /^(from|to):(.*)$/s.exec(expected) ?? []
    if (name === undefined) return null
    const side = this.#sides[name as Side['name']]
    return (await this.#write(side, row, version)) ?? this.#writeOn(side, row, version)
  }

  async touch(id: string, expiresAt: number): Promise<boolean> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const found = await this.#moves.find(id, this.#home)
      if (found === null) return false
      const { side, row, version } = found
      if (!this.#leaves(side)) return (await side.store.touch?.(id, expiresAt)) ?? false
      const longer = { ...row, expiresAt: Math.max(row.expiresAt, expiresAt) }
      if ((await this.move(side, version, longer, version)) !== null) return true
    }
    throw tooManyMoves()
  }

  async delete(id: string): Promise<void> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const found = await this.#moves.walk(id, this.#home)
      if (found === null) return
      if ('ended' in found) return this.#clear(id, found.ended)
      const { side, row, version } = found
      // By compare-and-swap, so that a move that is about to begin does not take the session along.
      if ((await side.store.put(endedOf(row), version)) === null) continue
      if (side === this.#home && side === this.#sides.from) {
        this.#copies.clear(row)
        return side.store.delete(id)
      }
      return this.#clear(id, side)
    }
    throw tooManyMoves()
  }

  /** Moves a session that is in the old store, and says so. */
  async move(side: Side, expected: string, row: Row, was: string | null): Promise<string | null> {
    const version = await this.#moves.move(side, expected, row, was)
    if (version !== null) this.moved++
    return version
  }

  /** Whether a session that is written leaves this store. */
  #leaves(side: Side): boolean {
    return this.#home === this.#sides.to && side === this.#sides.from
  }

  async #write(side: Side, row: Row, expected: string | null): Promise<string | null> {
    const { from, to } = this.#sides
    // A new session begins like one that moves: where it begins is then decided in one place, whoever else makes one of the same id.
    if (this.#home === to && expected === null) return nameOf(to, await this.#moves.move(from, null, row, null))
    if (expected !== null && this.#leaves(side)) return nameOf(to, await this.move(from, expected, row, null))
    const version = await side.store.put(row, expected)
    if (version !== null && side === from) this.#copies.add(row)
    return nameOf(side, version)
  }

  /** Writes where a version leads that holds no more, because its row has moved. */
  async #writeOn(side: Side, row: Row, version: string): Promise<string | null> {
    const successor = await this.#moves.successor(side, row.id, version)
    if (successor === null) return null
    const other = this.#moves.other(side)
    return nameOf(other, await other.store.put(row, successor))
  }

  /** Forgets a session. Last where it ended: until then that keeps a move that stands still in the other store from being ended. */
  async #clear(id: string, ended: Side): Promise<void> {
    await this.#moves.other(ended).store.delete(id)
    await ended.store.delete(id)
  }
}

function nameOf(side: Side, version: string): string
function nameOf(side: Side, version: string | null): string | null
function nameOf(side: Side, version: string | null): string | null {
  return version === null ? null : `${side.name}:${version}`
}
