import type { Clock, Row } from '../../core/types.ts'
import type { Entry } from './entry.ts'
import { ExpiryOrder } from './expiry-order.ts'
import { ownText, textBytes } from './texts.ts'
import { UseOrder } from './use-order.ts'
import { UserIndex } from './user-index.ts'

export interface Bounds {
  readonly rowsMax: number
  readonly bytesMax: number
}

/** What an entry takes besides the characters of its texts, measured at 100,000 rows. */
const entryBytes = 400
/** Expired rows dropped by the way at each write: more than one, so that they never pile up. */
const expiredPerWrite = 2
/** And sessions that lived on, filed under their new expiry: bounded, or one unlucky visitor would wait for all of them. */
const refiledPerWrite = 8

/** Rows, and who goes when there is no room: the expired first, then those unused for longest. */
export class Table {
  readonly #rows = new Map<string, Entry>()
  readonly #users = new UserIndex()
  readonly #uses = new UseOrder()
  readonly #expiry = new ExpiryOrder()
  readonly #bounds: Bounds
  readonly #clock: Clock
  #bytes = 0
  #births = 0

  constructor(bounds: Bounds, clock: Clock) {
    this.#bounds = bounds
    this.#clock = clock
  }

  find(id: string): Entry | undefined {
    return this.#rows.get(id)
  }

  used(entry: Entry): void {
    this.#uses.renew(entry)
  }

  /** What a row counts against `bytesMax`. */
  static bytesOf({ id, body, user }: Row): number {
    return entryBytes + textBytes(body) + textBytes(id) + (user === null ? 0 : textBytes(user))
  }

  add(row: Row, version: string, bytes: number): void {
    const id = ownText(row.id)
    const { expiresAt } = row
    const entry: Entry = {
      id,
      body: ownText(row.body),
      user: null,
      expiresAt,
      version,
      bytes,
      born: ++this.#births,
      older: null,
      newer: null,
      due: 0,
      slot: 0,
    }
    this.#rows.set(id, entry)
    this.#uses.add(entry)
    this.#expiry.add(entry)
    this.#setUser(entry, row.user)
    this.#bytes += bytes
    this.#makeRoom()
  }

  replace(entry: Entry, row: Row, version: string, bytes: number): void {
    this.#bytes += bytes - entry.bytes
    entry.body = ownText(row.body)
    entry.expiresAt = row.expiresAt
    entry.version = version
    entry.bytes = bytes
    this.#setUser(entry, row.user)
    this.#expiry.hasten(entry)
    this.#uses.renew(entry)
    this.#makeRoom()
  }

  drop(entry: Entry): void {
    this.#rows.delete(entry.id)
    this.#uses.remove(entry)
    this.#expiry.remove(entry)
    this.#setUser(entry, null)
    this.#bytes -= entry.bytes
  }

  idsOf(user: string): string[] {
    return this.#users.idsOf(user)
  }

  /** A page of ids in the order of birth, which no delete disturbs. */
  scan(cursor: string | null, limit: number): { ids: string[]; cursor: string | null } {
    const after = Number(cursor ?? 0)
    const ids: string[] = []
    for (const { id, born } of this.#rows.values()) {
      if (born <= after) continue
      if (ids.length === limit) return { ids, cursor: String(born - 1) }
      ids.push(id)
    }
    return { ids, cursor: null }
  }

  sweep(now: number, limit: number): number {
    let dropped = 0
    while (dropped < limit && this.#dropExpired(now, Number.POSITIVE_INFINITY)) dropped++
    return dropped
  }

  #setUser(entry: Entry, user: string | null): void {
    if (user === entry.user) return
    if (entry.user !== null) this.#users.remove(entry.user, entry.id)
    entry.user = user === null ? null : ownText(user)
    if (entry.user !== null) this.#users.add(entry.user, entry.id)
  }

  #makeRoom(): void {
    const { rowsMax, bytesMax } = this.#bounds
    const now = this.#clock()
    for (let step = 0; step < expiredPerWrite; step++) this.#dropExpired(now, refiledPerWrite)
    while (this.#rows.size > rowsMax || this.#bytes > bytesMax) {
      if (!this.#dropExpired(now, refiledPerWrite)) this.drop(this.#uses.oldest as Entry)
    }
  }

  #dropExpired(now: number, refileMax: number): boolean {
    const entry = this.#expiry.expired(now, refileMax)
    if (entry !== null) this.drop(entry)
    return entry !== null
  }
}
