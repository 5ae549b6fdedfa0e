/** Pickle protocol 2: what Python 2 and Python 3 both read and both write. */
import { CoatcheckError } from '../../core/errors.ts'
import { pickleBytesMax, type Bytes, type Moment, type Value } from './python.ts'
import { bytesOf } from './text.ts'

type Part = Uint8Array

export function pickle(value: Value): Buffer {
  const parts: Part[] = [Buffer.from([0x80, 2])]
  write(parts, value)
  parts.push(Buffer.from('.'))
  const bytes = Buffer.concat(parts)
  if (bytes.length <= pickleBytesMax) return bytes
  throw new CoatcheckError(
    'session_too_large',
    `the pickle is ${bytes.length} bytes long and may have ${pickleBytesMax}; keep less in the session`,
  )
}

function op(parts: Part[], text: string): void {
  parts.push(Buffer.from(text, 'latin1'))
}

function write(parts: Part[], value: Value): void {
  if (value === null) return op(parts, 'N')
  if (typeof value === 'boolean') return op(parts, value ? '\x88' : '\x89')
  if (typeof value === 'string') return text(parts, value)
  if (typeof value === 'bigint') return integer(parts, value)
  if (typeof value === 'number') return float(parts, value)
  switch (value.kind) {
    case 'str':
    case 'bytes':
    case 'bytearray':
      return bytes(parts, value)
    case 'list':
      op(parts, ']')
      return many(parts, value.items, 'e')
    case 'tuple':
      return tuple(parts, value.items)
    case 'set':
    case 'frozenset':
      op(parts, `c__builtin__\n${value.kind}\n]`)
      many(parts, [...value.members.values()], 'e')
      return op(parts, '\x85R')
    case 'dict':
      op(parts, '}')
      return many(parts, [...value.entries.values()].flat(), 'u')
    case 'datetime':
    case 'date':
      return moment(parts, value)
    case 'timedelta':
      op(parts, 'cdatetime\ntimedelta\n')
      return reduce(parts, [BigInt(value.days), BigInt(value.seconds), BigInt(value.micros)])
    case 'timezone':
      op(parts, 'cdatetime\ntimezone\n')
      return reduce(parts, [value.offset])
  }
}

function many(parts: Part[], items: readonly Value[], opcode: 'e' | 'u'): void {
  if (items.length === 0) return
  op(parts, '(')
  for (const item of items) write(parts, item)
  op(parts, opcode)
}

function tuple(parts: Part[], items: readonly Value[]): void {
  const short = [')', '\x85', '\x86', '\x87'][items.length]
  if (short === undefined) op(parts, '(')
  for (const item of items) write(parts, item)
  op(parts, short ?? 't')
}

/** Calls what was written last. */
function reduce(parts: Part[], args: readonly Value[]): void {
  tuple(parts, args)
  op(parts, 'R')
}

function text(parts: Part[], value: string): void {
  const utf8 = bytesOf(value)
  parts.push(withLength('X', utf8.length), utf8)
}

function withLength(opcode: string, length: number): Buffer {
  const head = Buffer.from(`${opcode}\0\0\0\0`, 'latin1')
  head.writeUInt32LE(length, 1)
  return head
}

function integer(parts: Part[], value: bigint): void {
  if (value >= 0n && value <= 255n) parts.push(Buffer.from([0x4b, Number(value)]))
  else if (BigInt.asIntN(32, value) === value) {
    const head = withLength('J', 0)
    head.writeInt32LE(Number(value), 1)
    parts.push(head)
  } else {
    const size = Math.ceil((value.toString(2).length + 1) / 8)
    const hex = BigInt.asUintN(size * 8, value)
      .toString(16)
      .padStart(size * 2, '0')
    const little = Buffer.from(hex, 'hex').toReversed()
    parts.push(size < 256 ? Buffer.from([0x8a, size]) : withLength('\x8b', size), little)
  }
}

function float(parts: Part[], value: number): void {
  const head = Buffer.alloc(9, 'G')
  head.writeDoubleBE(value, 1)
  parts.push(head)
}

/** Protocol 2 has no bytes; both Pythons make them of text, as Python 3 does it. */
function bytes(parts: Part[], { kind, bytes }: Bytes): void {
  if (kind === 'str') {
    const head = bytes.length < 256 ? Buffer.from([0x55, bytes.length]) : withLength('T', bytes.length)
    parts.push(head, bytes)
    return
  }
  const latin1 = Buffer.from(bytes).toString('latin1')
  if (kind === 'bytearray') op(parts, 'c__builtin__\nbytearray\n')
  else op(parts, 'c_codecs\nencode\n')
  reduce(parts, [latin1, kind === 'bytearray' ? 'latin-1' : 'latin1'])
}

function moment(parts: Part[], { kind, bytes, zone }: Moment): void {
  op(parts, `cdatetime\n${kind}\n`)
  const state: Value = { kind: 'bytes', bytes }
  reduce(parts, zone === null ? [state] : [state, { kind: 'timezone', offset: zone }])
}
