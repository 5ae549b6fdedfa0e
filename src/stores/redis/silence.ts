/** Whether anything is answered: a connection whose other end is gone takes what is written to it and says nothing. */
export class Silence {
  readonly #silenceMs: number
  readonly #broken: () => void
  #waiting = 0
  #answers = 0
  #timer: NodeJS.Timeout | null = null

  /** `broken` is called when nothing at all was answered for `silenceMs` although somebody waits. */
  constructor(silenceMs: number, broken: () => void) {
    this.#silenceMs = silenceMs
    this.#broken = broken
  }

  watch<T>(asking: Promise<T>): Promise<T> {
    this.#waiting++
    if (this.#timer === null) this.#listen()
    asking.then(this.#heard, this.#heard)
    return asking
  }

  readonly #heard = (): void => {
    this.#waiting--
    this.#answers++
  }

  #listen(): void {
    const before = this.#answers
    this.#timer = setTimeout(() => {
      this.#timer = null
      if (this.#waiting === 0) return
      if (this.#answers === before) this.#broken()
      this.#listen()
    }, this.#silenceMs).unref()
  }
}
