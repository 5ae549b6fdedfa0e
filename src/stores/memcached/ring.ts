/**
 * Which server keeps which key: a ring of numbers from 0 to 2³²−1. Every server stands on it at 160 places, the numbers in the SHA-256
 * of `host:port-0`, `host:port-1` … (eight to a hash); a key belongs to the server at the first place at or after the key's own number.
 *
 * The ring is ketama's (libketama, R. Jones, 2007) but for the hash: OpenSSL has no MD5 in FIPS mode. The order of the list does not
 * matter, and a server that joins or leaves the list moves its own share of the keys and no others.
 */
import { hash } from 'node:crypto'

const hashesPerServer = 20
const numbersPerHash = 8

export class Ring<Server extends { readonly name: string }> {
  readonly #numbers: Uint32Array
  readonly #servers: readonly Server[]

  constructor(servers: readonly Server[]) {
    const places = servers
      .flatMap((server) => numbersOf(server.name).map((number) => ({ number, server })))
      .toSorted((a, b) => a.number - b.number || (a.server.name < b.server.name ? -1 : 1))
    this.#numbers = Uint32Array.from(places, ({ number }) => number)
    this.#servers = places.map(({ server }) => server)
  }

  of(key: string): Server {
    const number = hash('sha256', key, 'buffer').readUInt32BE(0)
    let [low, high] = [0, this.#numbers.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#numbers[middle] ?? 0) < number) low = middle + 1
      else high = middle
    }
    return this.#servers[low % this.#servers.length] as Server
  }
}

function numbersOf(name: string): number[] {
  return Array.from({ length: hashesPerServer }, (_, n) => hash('sha256', `${name}-${n}`, 'buffer')).flatMap((digest) =>
    Array.from({ length: numbersPerHash }, (_, n) => digest.readUInt32BE(4 * n)),
  )
}
