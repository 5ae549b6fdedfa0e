import type { ConnectionOptions } from 'node:tls'
import { invalid, plainName, storeOptions, wholeNumber } from '../common/options.ts'
import { type Address, addressesOf } from './addresses.ts'

export interface MemcachedStoreOptions {
  /**
   * One server or several: `'host:port'`, `'memcached://user:password@host:port'`, or `memcacheds://` for TLS. The port is 11211
   * where none is given; name and password are those of memcached's `-Y` file. Several share the keys (memcached/ring.ts).
   */
  readonly servers: string | readonly string[]
  /** What all keys begin with: letters, digits and `_ . : -`, 64 at most. Default `'coatcheck:'`. */
  readonly prefix?: string
  /** Connections to one server at most. Default 2; one carries any number of commands at a time. */
  readonly connectionsMax?: number
  /** How long to wait for a connection, and for the answer to a command. Default 1,000 ms. */
  readonly timeoutMs?: number
  /** The largest item the servers take, their `-I`, in bytes. Default 1,048,576. The session itself may take 512 less. */
  readonly itemBytesMax?: number
  /** For TLS: `ca`, `cert`, `key`, `servername` … of `node:tls`. Certificates are always verified. */
  readonly tls?: ConnectionOptions
}

export interface Settings {
  readonly addresses: readonly Address[]
  readonly prefix: string
  readonly connectionsMax: number
  readonly timeoutMs: number
  readonly itemBytesMax: number
  readonly tls: ConnectionOptions | null
}

/** Throws `config_invalid`. */
export function settingsOf(options: MemcachedStoreOptions): Settings {
  const known = ['servers', 'prefix', 'connectionsMax', 'timeoutMs', 'itemBytesMax', 'tls'] as const
  const own = storeOptions('memcachedStore', options, known)
  return {
    addresses: addressesOf(own.servers, own.tls !== undefined),
    prefix: plainName('memcachedStore', 'prefix', own.prefix ?? 'coatcheck:'),
    connectionsMax: wholeNumber('memcachedStore', 'connectionsMax', own.connectionsMax ?? 2, 1, 64),
    timeoutMs: wholeNumber('memcachedStore', 'timeoutMs', own.timeoutMs ?? 1_000, 1, 60_000),
    itemBytesMax: wholeNumber('memcachedStore', 'itemBytesMax', own.itemBytesMax ?? 1_048_576, 2_048, 1_073_741_824),
    tls: tlsOf(own.tls),
  }
}

function tlsOf(tls: ConnectionOptions | undefined): ConnectionOptions | null {
  if (tls === undefined) return null
  if (typeof tls !== 'object' || tls === null)
    throw invalid('memcachedStore: tls must be options of node:tls; write for example tls: { ca }')
  if (tls.rejectUnauthorized === false) {
    throw invalid("memcachedStore: tls without verification is none; give the certificate of who signed the server's: tls: { ca }")
  }
  return tls
}
