/** Python values as a pickle holds them, with nothing lost, so that what nobody touched is written back as it was. */

/** `None`, `bool`, `int`, `float`, text. */
type Leaf = null | boolean | bigint | number | string

export interface Bytes {
  /** `str` is Python 2's: bytes that are text most of the time. */
  readonly kind: 'bytes' | 'bytearray' | 'str'
  readonly bytes: Uint8Array
  /** The bytes as latin-1, made when they are first compared. */
  latin1?: string
}

interface Sequence {
  readonly kind: 'list' | 'tuple'
  readonly items: Value[]
}

export interface Members {
  readonly kind: 'set' | 'frozenset'
  /** By what Python compares. */
  readonly members: Map<unknown, Value>
}

export interface Dict {
  readonly kind: 'dict'
  /** Key and value by what Python compares keys by. */
  readonly entries: Map<unknown, [key: Value, value: Value]>
}

export interface Moment {
  readonly kind: 'datetime' | 'date'
  /** Ten bytes or four, as Python's own `__reduce__` gives them. */
  readonly bytes: Uint8Array
  /** The offset from UTC of a datetime that knows it. */
  readonly zone: Delta | null
}

export interface Delta {
  readonly kind: 'timedelta'
  readonly days: number
  readonly seconds: number
  readonly micros: number
}

/** What `datetime.timezone` makes, for a datetime to take up; by itself it is no value of a session. */
interface Zone {
  readonly kind: 'timezone'
  readonly offset: Delta
}

export type Value = Leaf | Bytes | Sequence | Members | Dict | Moment | Delta | Zone

/** A name of the whitelist, there to be called and never to be kept. */
export interface Callable {
  readonly kind: 'callable'
  readonly name: string
}

export type Slot = Value | Callable

type Compound = Exclude<Slot, Leaf>

export function isKind<K extends Compound['kind']>(slot: Slot | undefined, kind: K): slot is Compound & { readonly kind: K } {
  return typeof slot === 'object' && slot !== null && slot.kind === kind
}

/** Why a pickle is not read. */
export type PickleRefusal =
  /** No pickle, one that is cut off, or one that contradicts itself. */
  | 'malformed'
  /** It names something that is no data: a class, a function, a persistent id. Nothing was made or called. */
  | 'unsupported'
  /** Longer, deeper or more shared than a session may be, or it contains itself. */
  | 'too_large'

/** Ends the reading of one pickle; never leaves `readPickle`. */
export class Refused extends Error {
  readonly reason: PickleRefusal

  constructor(reason: PickleRefusal) {
    super(reason)
    this.reason = reason
  }
}

/** 1 MiB: what memcached and the Datastore hold in one value. */
export const pickleBytesMax = 1_048_576
export const depthMax = 200
/** How many values a pickle may come to, and how much may be copied while it is read, for each of its bytes and on top of that. */
export const budget = { perByte: 4, more: 4_096 } as const
/** Python 3.11 and newer read no longer decimal integers either (CVE-2020-10735). */
export const digitsMax = 4_300
