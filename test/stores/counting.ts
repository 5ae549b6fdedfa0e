/** How many commands the engine sends, by the server's own count. */
import { createSessions } from '../../src/index.ts'
import { secret } from '../support/backends.ts'
import { Visitor } from '../support/visitor.ts'
import type { OpenedProfile } from './profile.ts'

export interface Counted {
  readonly untouched: number
  readonly read: number
  /** A read and ten edits. */
  readonly write: number
  /** A read after `touchEvery`. */
  readonly slide: number
  /** A read within `touchEvery` of the one before. */
  readonly readAgain: number
}

/** `null` where the server does not count. */
export async function countRoundTrips({ store, commands }: OpenedProfile): Promise<Counted | null> {
  if (commands === undefined) return null
  let nowMs = Date.now()
  const sessions = createSessions<Record<string, unknown>>({ secret, store, clock: () => nowMs, lifetime: { idle: '1h' } })
  await sessions.ready()
  const visitor = new Visitor(sessions)
  const read = (): Promise<unknown> => visitor.visit((session) => session.get('n'))
  await visitor.visit((session) => session.set('n', 0))
  // The first of each kind may cost more: a script or a statement travels once.
  nowMs += 61_000
  await read()
  const during = async (run: () => Promise<unknown>): Promise<number> => {
    const before = await commands()
    await run()
    return (await commands()) - before
  }
  const untouched = await during(() => sessions.visit({ method: 'GET', header: () => visitor.cookie }).commit())
  const once = await during(read)
  const write = await during(() =>
    visitor.visit((session) => {
      for (let i = 0; i < 10; i++) session.set(`key ${i}`, i)
    }),
  )
  nowMs += 61_000
  return { untouched, read: once, write, slide: await during(read), readAgain: await during(read) }
}
