/** One read where many ask. */
import type { StoredRow } from './types.ts'

type Read = Promise<StoredRow | null>

interface Wave {
  current: Read
  next: Read | null
}

/**
 * Shares reads of one id. Who asks while a read is under way gets the *next* one, together with all others who wait, and never
 * the one that already left: its answer may be from before a write the asker has been told of.
 */
export function inWaves(read: (id: string) => Read): (id: string) => Read {
  const waves = new Map<string, Wave>()

  function start(id: string, wave: Wave): Read {
    const row = read(id)
    wave.next = null
    wave.current = row
    const leave = (): void => {
      if (wave.next === null && wave.current === row) waves.delete(id)
    }
    row.then(leave, leave)
    return row
  }

  return (id) => {
    const wave = waves.get(id)
    if (wave !== undefined) {
      const again = (): Read => start(id, wave)
      return (wave.next ??= wave.current.then(again, again))
    }
    const fresh = { next: null } as unknown as Wave
    waves.set(id, fresh)
    return start(id, fresh)
  }
}

/** Gathers the reads of one turn of the event loop into one call, each id once. */
export function inOneCall(readMany: (ids: readonly string[]) => Promise<(StoredRow | null)[]>): (id: string) => Read {
  let places: Map<string, number> | null = null
  let answers: Promise<(StoredRow | null)[]> | null = null

  return (id) => {
    if (places === null || answers === null) {
      const gathered = new Map<string, number>()
      places = gathered
      answers = new Promise((resolve) => setImmediate(resolve)).then(() => {
        places = null
        return readMany([...gathered.keys()])
      })
    }
    let place = places.get(id)
    if (place === undefined) places.set(id, (place = places.size))
    const mine = place
    return answers.then((rows) => rows[mine] ?? null)
  }
}
