/** A pickle as Python's own values. */
import { Machine } from './machine.ts'
import { measure } from './measure.ts'
import { operations } from './operations.ts'
import { pickleBytesMax, Refused, type PickleRefusal, type Value } from './python.ts'

const stop = '.'.charCodeAt(0)

export type Unpickled = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly reason: PickleRefusal }

/** Never throws. What follows the end of the pickle is ignored, as Python ignores it. */
export function unpickle(bytes: Uint8Array): Unpickled {
  if (!(bytes instanceof Uint8Array)) return { ok: false, reason: 'malformed' }
  if (bytes.length > pickleBytesMax) return { ok: false, reason: 'too_large' }
  try {
    const value = play(new Machine(bytes))
    measure(value, bytes.length)
    return { ok: true, value }
  } catch (error) {
    if (error instanceof Refused) return { ok: false, reason: error.reason }
    throw error
  }
}

function play(machine: Machine): Value {
  for (;;) {
    const opcode = machine.input.byte()
    if (opcode === stop) return machine.value()
    const operation = operations[opcode]
    if (operation === undefined) throw new Refused('unsupported')
    operation(machine)
  }
}
