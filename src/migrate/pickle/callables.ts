/** The only names a pickle may call, and what comes of it. Nothing else is looked up, imported or made. */
import type { Machine } from './machine.ts'
import { deltaMs, deltaOf, momentOf } from './moments.ts'
import { isKind, Refused, type Callable, type Delta, type Value } from './python.ts'

type Make = (args: readonly Value[], machine: Machine) => Value

/** Every one of them takes at most three arguments. */
const makers: ReadonlyMap<string, Make> = new Map<string, Make>([
  ['datetime.datetime', ([bytes, zone]) => momentOf('datetime', stateFrom(bytes), zone === undefined ? null : zoneFrom(zone))],
  ['datetime.date', ([bytes]) => momentOf('date', stateFrom(bytes), null)],
  ['datetime.timedelta', ([days, seconds, micros]) => deltaOf(numberFrom(days), numberFrom(seconds), numberFrom(micros))],
  ['datetime.timezone', ([offset]) => ({ kind: 'timezone', offset: offsetFrom(offset) })],
  ['builtins.set', ([items], machine) => ({ kind: 'set', members: membersFrom(items, machine) })],
  ['builtins.frozenset', ([items], machine) => ({ kind: 'frozenset', members: membersFrom(items, machine) })],
  ['builtins.bytearray', ([source, encoding], machine) => ({ kind: 'bytearray', bytes: arrayFrom(source, encoding, machine) })],
  // What Python 3 calls for bytes in protocols that know none: the first for empty ones.
  ['builtins.bytes', () => ({ kind: 'bytes', bytes: new Uint8Array() })],
  ['_codecs.encode', ([text, encoding], machine) => ({ kind: 'bytes', bytes: encoded(text, encoding, machine) })],
])

const argumentsMax: ReadonlyMap<string, number> = new Map([
  ['datetime.date', 1],
  ['datetime.timedelta', 3],
  ['builtins.set', 1],
  ['builtins.frozenset', 1],
  ['builtins.bytes', 0],
])

/** A name of the whitelist. Throws `unsupported` for every other. */
export function callable(module: string, name: string): Callable {
  const full = `${module === '__builtin__' ? 'builtins' : module}.${name}`
  if (!makers.has(full)) throw new Refused('unsupported')
  return { kind: 'callable', name: full }
}

/** `REDUCE`: calls what lies below the arguments. */
export function call(machine: Machine): void {
  const args = machine.pop()
  const callee = machine.pop()
  if (!isKind(callee, 'callable')) throw new Refused('unsupported')
  if (!isKind(args, 'tuple') || args.items.length > (argumentsMax.get(callee.name) ?? 2)) throw new Refused('malformed')
  machine.push((makers.get(callee.name) as Make)(args.items, machine))
}

/** Ten bytes or four. Text, when Python 3 has read what Python 2 wrote, as latin-1, and has written it again. */
function stateFrom(slot: Value | undefined): Uint8Array {
  if (isKind(slot, 'bytes') || isKind(slot, 'str')) return slot.bytes
  if (typeof slot === 'string' && slot.length <= 10) return latin1(slot)
  throw new Refused('malformed')
}

function latin1(text: string): Uint8Array {
  if (/[^\0-\xff]/.test(text)) throw new Refused('malformed')
  return Buffer.from(text, 'latin1')
}

function zoneFrom(slot: Value): Delta {
  if (isKind(slot, 'timezone')) return slot.offset
  throw new Refused('unsupported')
}

function numberFrom(slot: Value | undefined): number {
  if (slot === undefined) return 0
  if (typeof slot === 'bigint') return Number(slot)
  throw new Refused('malformed')
}

/** A second argument of `timezone` is its name, which says nothing. */
function offsetFrom(slot: Value | undefined): Delta {
  if (isKind(slot, 'timedelta') && Math.abs(deltaMs(slot)) < 86_400_000) return slot
  throw new Refused('malformed')
}

function membersFrom(items: Value | undefined, machine: Machine): Map<unknown, Value> {
  if (items === undefined) return new Map()
  if (!isKind(items, 'list') && !isKind(items, 'tuple')) throw new Refused('malformed')
  machine.spend(items.items.length)
  return new Map(items.items.map((one) => [machine.identities.of(one), one]))
}

function arrayFrom(source: Value | undefined, encoding: Value | undefined, machine: Machine): Uint8Array {
  if (source === undefined) return new Uint8Array()
  if (typeof source === 'string') return encoded(source, encoding, machine)
  if ((!isKind(source, 'bytes') && !isKind(source, 'str')) || encoding !== undefined) throw new Refused('malformed')
  machine.spend(source.bytes.length)
  return Uint8Array.from(source.bytes)
}

function encoded(text: Value | undefined, encoding: Value | undefined, machine: Machine): Uint8Array {
  const name = isKind(encoding, 'str') ? Buffer.from(encoding.bytes).toString('latin1') : encoding
  if (typeof text !== 'string' || (name !== 'latin1' && name !== 'latin-1')) throw new Refused('unsupported')
  machine.spend(text.length)
  return latin1(text)
}
