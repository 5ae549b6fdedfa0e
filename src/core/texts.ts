/**
 * Values by key, each as its line of JSON, in the order they were first stored. Immutable.
 *
 * Two arrays and a linear search: sessions have ten keys more often than a hundred, and every request that opens one would pay for
 * building a Map (0.6 µs for ten keys), while most look up one key.
 */
export class Texts {
  readonly keys: readonly string[]
  readonly lines: readonly string[]

  constructor(keys: readonly string[], lines: readonly string[]) {
    this.keys = keys
    this.lines = lines
  }

  get size(): number {
    return this.keys.length
  }

  get(key: string): string | undefined {
    const i = this.keys.indexOf(key)
    return i === -1 ? undefined : this.lines[i]
  }

  has(key: string): boolean {
    return this.keys.includes(key)
  }

  /** With one line set, or without the key when `line` is `undefined`; this very object when nothing differs. */
  with(key: string, line: string | undefined): Texts {
    const i = this.keys.indexOf(key)
    if ((i === -1 ? undefined : this.lines[i]) === line) return this
    if (line === undefined) return new Texts(this.keys.toSpliced(i, 1), this.lines.toSpliced(i, 1))
    return i === -1 ? new Texts([...this.keys, key], [...this.lines, line]) : new Texts(this.keys, this.lines.with(i, line))
  }

  /** The keys that satisfy `keep`. */
  filter(keep: (key: string) => boolean): Texts {
    const kept = this.keys.map(keep)
    return new Texts(
      this.keys.filter((_, i) => kept[i]),
      this.lines.filter((_, i) => kept[i]),
    )
  }
}

export const noTexts = new Texts([], [])
