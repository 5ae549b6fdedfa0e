/**
 * Leases, by which etcd drops what is over. Rows that end in the same hour share one, so that granting it costs a request an hour, not
 * one for each write.
 */
import type { Gateway } from './gateway.ts'

interface Lease {
  readonly id: string
  /** On this process's monotonic clock: wall clocks step. */
  readonly endsAt: number
}

const hourMs = 3_600_000
/** Rows stay an hour longer than they have to: clocks differ, machines sleep. */
const spareMs = hourMs
/** What etcd grants at most. */
const secondsMax = 9_000_000_000

export class Leases {
  readonly #gateway: Gateway
  readonly #byHour = new Map<number, Promise<Lease>>()

  constructor(gateway: Gateway) {
    this.#gateway = gateway
  }

  /** The id of a lease that does not end before the row does. */
  async lasting(expiresAt: number): Promise<string> {
    const leftMs = expiresAt - Date.now()
    const hour = Math.ceil((Math.max(0, leftMs) + Date.now()) / hourMs)
    const held = await this.#byHour.get(hour)
    if (held !== undefined && held.endsAt - performance.now() >= leftMs) return held.id
    const granting = this.#grant(hour * hourMs - Date.now() + spareMs)
    this.#byHour.set(hour, granting)
    granting.catch(() => this.#byHour.get(hour) === granting && this.#byHour.delete(hour))
    return (await granting).id
  }

  /** etcd does not know it (any more). */
  async forget(id: string): Promise<void> {
    for (const [hour, granting] of this.#byHour) if ((await granting.catch(() => null))?.id === id) this.#byHour.delete(hour)
  }

  async #grant(lastsMs: number): Promise<Lease> {
    this.#drop()
    const seconds = Math.min(Math.ceil(lastsMs / 1000), secondsMax)
    const endsAt = performance.now() + seconds * 1000
    const { ID } = await this.#gateway.call<{ ID: string }>('/v3/lease/grant', { TTL: String(seconds) })
    return { id: String(ID), endsAt }
  }

  #drop(): void {
    const thisHour = Math.floor(Date.now() / hourMs)
    for (const hour of this.#byHour.keys()) if (hour < thisHour) this.#byHour.delete(hour)
  }
}
