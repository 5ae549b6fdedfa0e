/**
 * What each opcode does (`pickletools` names them). A place without an operation is refused: persistent ids, extensions, instances,
 * `BUILD`, buffers out of band, and everything yet to be invented.
 */
import { call, callable } from './callables.ts'
import { integerOf, floatOf, littleEndian } from './numbers.ts'
import type { Machine } from './machine.ts'
import { isKind, Refused, type Bytes, type Members, type Value } from './python.ts'
import { quotedBytes, textOf, unescapedText } from './text.ts'

export type Operation = (machine: Machine) => void

const protocolMax = 5

function text(machine: Machine, length: number): void {
  const decoded = textOf(machine.input.take(length))
  if (decoded === null) throw new Refused('malformed')
  machine.push(decoded)
}

function bytes(machine: Machine, kind: Bytes['kind'], length: number): void {
  machine.push({ kind, bytes: machine.input.take(length) })
}

function tuple(machine: Machine, items: Value[]): void {
  machine.push({ kind: 'tuple', items })
}

/** The topmost `count` values, the last one on top. */
function last(machine: Machine, count: number): Value[] {
  return Array.from({ length: count }, () => machine.value()).toReversed()
}

function append(machine: Machine, items: readonly Value[]): void {
  const list = machine.top()
  if (!isKind(list, 'list')) throw new Refused('malformed')
  for (const item of items) list.items.push(item)
}

function setItems(machine: Machine, pairs: readonly Value[]): void {
  const dict = machine.top()
  if (!isKind(dict, 'dict') || pairs.length % 2 !== 0) throw new Refused('malformed')
  for (let i = 0; i < pairs.length; i += 2) {
    const [key = null, value = null] = [pairs[i], pairs[i + 1]]
    const place = machine.identities.of(key)
    const known = dict.entries.get(place)
    // Python keeps the first of equal keys, and its place.
    if (known === undefined) dict.entries.set(place, [key, value])
    else known[1] = value
  }
}

function members(machine: Machine, kind: Members['kind'], items: readonly Value[]): void {
  machine.push({ kind, members: new Map(items.map((one) => [machine.identities.of(one), one])) })
}

function addItems(machine: Machine, items: readonly Value[]): void {
  const set = machine.top()
  if (!isKind(set, 'set')) throw new Refused('malformed')
  for (const item of items) {
    const place = machine.identities.of(item)
    if (!set.members.has(place)) set.members.set(place, item)
  }
}

function stackGlobal(machine: Machine): void {
  const [module, name] = last(machine, 2)
  if (typeof module !== 'string' || typeof name !== 'string') throw new Refused('malformed')
  machine.push(callable(module, name))
}

function protocol(machine: Machine): void {
  if (machine.input.byte() > protocolMax) throw new Refused('malformed')
}

/** A promise that the next so many bytes belong together; they follow anyway. */
function frame(machine: Machine): void {
  if (!machine.input.has(machine.input.length64())) throw new Refused('malformed')
}

/** The number of a place in the memo, in decimal. */
function place(line: string): number {
  if (!/^\d{1,10}$/.test(line)) throw new Refused('malformed')
  return Number(line)
}

/** `I01` and `I00` are protocol 0's and 1's booleans. */
function integer(machine: Machine): void {
  const line = machine.input.line()
  machine.push(line === '01' ? true : line === '00' ? false : integerOf(line))
}

const byName: Readonly<Record<string, Operation>> = {
  '(': (m) => m.mark(),
  '0': (m) => m.popAnything(),
  '1': (m) => void m.sinceMark(),
  '2': (m) => m.push(m.top()),
  F: (m) => m.push(floatOf(m.input.line())),
  G: (m) => m.push(m.input.double()),
  I: integer,
  J: (m) => m.push(BigInt(m.input.int32())),
  K: (m) => m.push(BigInt(m.input.byte())),
  M: (m) => m.push(BigInt(m.input.uint16())),
  L: (m) => m.push(integerOf(m.input.line().replace(/L$/, ''))),
  '\x8a': (m) => m.push(littleEndian(m.input.take(m.input.byte()))),
  '\x8b': (m) => m.push(littleEndian(m.input.take(m.input.int32()))),
  N: (m) => m.push(null),
  '\x88': (m) => m.push(true),
  '\x89': (m) => m.push(false),
  S: (m) => m.push({ kind: 'str', bytes: quotedBytes(m.input.line()) }),
  T: (m) => bytes(m, 'str', m.input.int32()),
  U: (m) => bytes(m, 'str', m.input.byte()),
  V: (m) => m.push(unescapedText(m.input.line())),
  X: (m) => text(m, m.input.uint32()),
  '\x8c': (m) => text(m, m.input.byte()),
  '\x8d': (m) => text(m, m.input.length64()),
  B: (m) => bytes(m, 'bytes', m.input.uint32()),
  C: (m) => bytes(m, 'bytes', m.input.byte()),
  '\x8e': (m) => bytes(m, 'bytes', m.input.length64()),
  '\x96': (m) => bytes(m, 'bytearray', m.input.length64()),
  ']': (m) => m.push({ kind: 'list', items: [] }),
  l: (m) => m.push({ kind: 'list', items: m.sinceMark() }),
  a: (m) => append(m, [m.value()]),
  e: (m) => append(m, m.sinceMark()),
  ')': (m) => tuple(m, []),
  t: (m) => tuple(m, m.sinceMark()),
  '\x85': (m) => tuple(m, last(m, 1)),
  '\x86': (m) => tuple(m, last(m, 2)),
  '\x87': (m) => tuple(m, last(m, 3)),
  '}': (m) => m.push({ kind: 'dict', entries: new Map() }),
  d: (m) => {
    const pairs = m.sinceMark()
    m.push({ kind: 'dict', entries: new Map() })
    setItems(m, pairs)
  },
  s: (m) => setItems(m, last(m, 2)),
  u: (m) => setItems(m, m.sinceMark()),
  '\x8f': (m) => members(m, 'set', []),
  '\x90': (m) => addItems(m, m.sinceMark()),
  '\x91': (m) => members(m, 'frozenset', m.sinceMark()),
  c: (m) => m.push(callable(m.input.line(), m.input.line())),
  '\x93': stackGlobal,
  R: call,
  p: (m) => m.remember(place(m.input.line())),
  q: (m) => m.remember(m.input.byte()),
  r: (m) => m.remember(m.input.uint32()),
  '\x94': (m) => m.rememberNext(),
  g: (m) => m.recall(place(m.input.line())),
  h: (m) => m.recall(m.input.byte()),
  j: (m) => m.recall(m.input.uint32()),
  '\x80': protocol,
  '\x95': frame,
}

/** By the byte. */
export const operations: readonly (Operation | undefined)[] = Array.from({ length: 256 }, (_, byte) =>
  Object.hasOwn(byName, String.fromCharCode(byte)) ? byName[String.fromCharCode(byte)] : undefined,
)
