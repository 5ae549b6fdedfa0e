/** What the writer writes and the checker expects: every column follows from the id and the number of the write. */

const farMs = 4_000_000_000_000

export function bodyOf(id: string, n: number): string {
  return JSON.stringify({ id, n, filling: `${id}.${n} `.repeat(1 + ((id.charCodeAt(9) * 31 + n * 17) % 60)) })
}

export function userOf(id: string, n: number): string | null {
  return n % 3 === 0 ? null : `user-${id.slice(-16, -12)}-${n % 2}`
}

export function expiresAt(n: number): number {
  return farMs + n * 60_000
}

/** Numbers from 0 to 1 that follow from the seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
