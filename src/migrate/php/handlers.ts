/**
 * How PHP writes a session, by `session.serialize_handler`:
 *
 *   php             <name>|<value><name>|<value>…
 *   php_binary      <length of the name, one byte><name><value>…
 *   php_serialize   an array of all of them
 */
import { Refused, toSession, type Value } from './values.ts'
import { nameIn, Unserializer, type IsData } from './unserialize.ts'

export type SerializeHandler = 'php' | 'php_serialize' | 'php_binary'

/** More than PHP's own shares of memcached and than any store of sessions here takes. */
const bytesMax = 1_048_576
const nameBytesMax = 127

const handlers: Readonly<Record<SerializeHandler, (input: Unserializer) => ReadonlyMap<string, Value>>> = {
  php: (input) => members(input, () => input.until('|', bytesMax)),
  php_binary: (input) =>
    members(input, () => {
      const length = input.byte()
      if (length > nameBytesMax) throw new Refused()
      return input.take(length)
    }),
  php_serialize(input) {
    const session = input.value()
    if (typeof session !== 'object' || session === null || Buffer.isBuffer(session) || session.kind !== 'array' || !input.ended)
      throw new Refused()
    return session.entries
  },
}

export function isHandler(name: unknown): name is SerializeHandler {
  return typeof name === 'string' && Object.hasOwn(handlers, name)
}

/** The values, or `null` for what PHP has not written, or is not taken. Never throws. */
export function decoded(bytes: Uint8Array, handler: SerializeHandler, isData: IsData): Record<string, unknown> | null {
  if (bytes.length === 0 || bytes.length > bytesMax) return null
  try {
    return toSession(handlers[handler](new Unserializer(Buffer.from(bytes), isData)), bytes.length)
  } catch (error) {
    if (error instanceof Refused) return null
    throw error
  }
}

function members(input: Unserializer, name: () => Buffer): ReadonlyMap<string, Value> {
  const found = new Map<string, Value>()
  while (!input.ended) {
    const key = nameIn(name())
    found.set(key, input.value())
  }
  return found
}
