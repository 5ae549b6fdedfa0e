/** The stack, the marks and the memo that the operations of a pickle work on. */
import { Cursor } from './cursor.ts'
import { Identities } from './identities.ts'
import { budget, Refused, type Slot, type Value } from './python.ts'

export class Machine {
  readonly input: Cursor
  readonly identities = new Identities()
  readonly #stack: Slot[] = []
  readonly #marks: number[] = []
  /** A map, since a pickle of ten bytes may name place four billion. */
  readonly #memo = new Map<number, Slot>()
  #left: number

  constructor(bytes: Uint8Array) {
    this.input = new Cursor(bytes)
    this.#left = bytes.length * budget.perByte + budget.more
  }

  /** Before something is copied that the pickle may name again and again. */
  spend(amount: number): void {
    this.#left -= amount
    if (this.#left < 0) throw new Refused('too_large')
  }

  push(slot: Slot): void {
    this.#stack.push(slot)
  }

  mark(): void {
    this.#marks.push(this.#stack.length)
  }

  /** The topmost slot above the last mark. */
  top(): Slot {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) throw new Refused('malformed')
    return this.#stack.at(-1) as Slot
  }

  pop(): Slot {
    const slot = this.top()
    this.#stack.pop()
    return slot
  }

  /** A slot that may become part of a value. */
  value(): Value {
    return valueOf(this.pop())
  }

  /** `POP` takes a mark where there is nothing else to take. */
  popAnything(): void {
    if (this.#stack.length > (this.#marks.at(-1) ?? 0)) this.#stack.pop()
    else if (this.#marks.pop() === undefined) throw new Refused('malformed')
  }

  /** Everything above the last mark, and the mark. */
  sinceMark(): Value[] {
    const mark = this.#marks.pop()
    if (mark === undefined) throw new Refused('malformed')
    return this.#stack.splice(mark).map(valueOf)
  }

  remember(place: number): void {
    this.#memo.set(place, this.top())
  }

  rememberNext(): void {
    this.#memo.set(this.#memo.size, this.top())
  }

  recall(place: number): void {
    const slot = this.#memo.get(place)
    if (slot === undefined) throw new Refused('malformed')
    this.push(slot)
  }
}

function valueOf(slot: Slot): Value {
  if (typeof slot === 'object' && slot !== null && slot.kind === 'callable') throw new Refused('unsupported')
  return slot
}
