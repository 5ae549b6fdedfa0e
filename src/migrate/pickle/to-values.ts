/** Python's values as a session's. */
import type { Bytes, Dict, Value } from './python.ts'
import { deltaMs, msOf } from './moments.ts'
import { textOf } from './text.ts'

/** A tree of our own values; strings and bytes that the pickle shares stay shared. */
export function toValues(root: Value): unknown {
  const decoded = new Map<Bytes, unknown>()

  function bytesOrText(value: Bytes): unknown {
    if (!decoded.has(value))
      decoded.set(value, (value.kind === 'str' ? textOf(Buffer.from(value.bytes)) : null) ?? Uint8Array.from(value.bytes))
    return decoded.get(value)
  }

  function dict({ entries }: Dict): unknown {
    const pairs = Array.from(entries.values(), ([key, value]) => [convert(key), convert(value)] as const)
    if (!pairs.every(([key]) => typeof key === 'string')) return new Map(pairs)
    const object: Record<string, unknown> = {}
    // Assigning it would set the prototype.
    for (const [key, value] of pairs) if (key !== '__proto__') object[key as string] = value
    return object
  }

  function convert(value: Value): unknown {
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
    if (typeof value !== 'object' || value === null) return value
    switch (value.kind) {
      case 'str':
      case 'bytes':
      case 'bytearray':
        return bytesOrText(value)
      case 'list':
      case 'tuple':
        return value.items.map(convert)
      case 'set':
      case 'frozenset':
        return new Set(Array.from(value.members.values(), convert))
      case 'dict':
        return dict(value)
      case 'datetime':
      case 'date':
        return new Date(msOf(value))
      case 'timedelta':
        return deltaMs(value)
      case 'timezone':
        return null
    }
  }

  return convert(root)
}
