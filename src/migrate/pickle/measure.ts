/** Whether a value that a pickle has built may become one of ours, before anything is copied. */
import { budget, depthMax, Refused, type Value } from './python.ts'

interface Size {
  /** Values it would be if nothing were shared. */
  readonly weight: number
  readonly height: number
}

/**
 * Throws `too_large` for what is too deep, contains itself, or is so often shared that a copy would be out of proportion to a
 * pickle of so many bytes: forty lists that each contain the one before twice are 2^40 values.
 */
export function measure(root: Value, bytes: number): void {
  const { weight } = sizeOf(root, 0, new Map())
  if (weight > bytes * budget.perByte + budget.more) throw new Refused('too_large')
}

const leaf: Size = { weight: 1, height: 0 }

function sizeOf(value: Value, depth: number, sizes: Map<object, Size | 'open'>): Size {
  if (depth > depthMax) throw new Refused('too_large')
  if (typeof value !== 'object' || value === null) return leaf
  if (value.kind === 'timezone') throw new Refused('unsupported')
  const known = sizes.get(value)
  if (known === 'open' || (known !== undefined && depth + known.height > depthMax)) throw new Refused('too_large')
  if (known !== undefined) return known
  sizes.set(value, 'open')
  let [weight, height] = [1, 0]
  for (const part of partsOf(value)) {
    const size = sizeOf(part, depth + 1, sizes)
    weight += size.weight
    height = Math.max(height, size.height + 1)
  }
  const size = { weight, height }
  sizes.set(value, size)
  return size
}

function partsOf(value: Exclude<Value, null | boolean | bigint | number | string>): Iterable<Value> {
  switch (value.kind) {
    case 'list':
    case 'tuple':
      return value.items
    case 'set':
    case 'frozenset':
      return value.members.values()
    case 'dict':
      return [...value.entries.values()].flat()
    default:
      return []
  }
}
