/**
 * Files with one flipped bit: nobody may get wrong data from them, and who does not live on that page keeps his session (K-04).
 *
 *     node test/gate/sqlite-rot.ts [--count 20000] [--seed 1]
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CoatcheckError, createSessions, type SessionEvent, type Sessions } from '../../src/index.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { Dice } from '../support/random.ts'
import { cookieName, tokenOf } from '../support/raw.ts'
import { Visitor } from '../support/visitor.ts'
import { gate } from './program.ts'

const nowMs = 1_900_000_000_000
const people = 24

interface Kept {
  readonly cookie: string
  readonly user: string
  readonly values: string
  readonly expiresAt: number
}

interface Rot {
  readonly flips: number
  /** What was said of somebody and is not so. */
  readonly wrong: readonly string[]
  /** Sessions that a flip took, on average. */
  readonly lost: number
  /** Flips that were noticed: the file was refused, a read rejected, or a row was unreadable. */
  readonly noticed: number
}

/** Flips one bit of a healthy file at a time and asks for every session of it. */
export async function rot(count: number, seed: number, progress: (done: number) => void = () => undefined): Promise<Rot> {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-rot-'))
  const file = join(folder, 'sessions.db')
  const dice = new Dice(seed)
  const wrong: string[] = []
  let [lost, noticed] = [0, 0]
  try {
    const kept = await filled(file)
    const healthy = readFileSync(file)
    for (let flip = 1; flip <= count; flip++) {
      const [at, bit] = [dice.below(healthy.length), dice.below(8)]
      const rotten = Buffer.from(healthy)
      rotten[at] = (rotten[at] ?? 0) ^ (1 << bit)
      writeFileSync(file, rotten)
      const asked = await ask(file, kept)
      wrong.push(...asked.wrong.map((one) => `bit ${bit} of byte ${at} (seed ${seed}): ${one}`))
      lost += people - asked.known
      if (asked.troubles > 0) noticed++
      progress(flip)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return { flips: count, wrong, lost: lost / count, noticed }
}

function open(file: string, onEvent: (event: SessionEvent) => void): Sessions {
  return createSessions({ secret: 'only the tests of bit rot use this secret', store: sqliteStore({ file }), clock: () => nowMs, onEvent })
}

/** Signs people in, each with something to keep, and closes the file. */
async function filled(file: string): Promise<Kept[]> {
  const sessions = open(file, () => undefined)
  const kept: Kept[] = []
  for (let n = 0; n < people; n++) {
    const visitor = new Visitor(sessions)
    const user = `user-${n % (people / 2)}`
    await visitor.visit((session) =>
      session
        .set('n', n)
        .set('cart', 'hat '.repeat(n * 10))
        .signIn(user),
    )
    const { result: values } = await visitor.visit((session) => JSON.stringify(session))
    const info = (await sessions.list(user)).find((one) => one.get('n') === n)
    kept.push({ cookie: `${cookieName}=${tokenOf(visitor)}`, user, values, expiresAt: info?.expiresAt ?? 0 })
  }
  await sessions.close()
  return kept
}

interface Asked {
  readonly known: number
  readonly troubles: number
  readonly wrong: readonly string[]
}

async function ask(file: string, kept: readonly Kept[]): Promise<Asked> {
  let troubles = 0
  const trouble = (error: unknown): null => {
    troubles++
    if (error instanceof CoatcheckError && ['store_unavailable', 'config_invalid'].includes(error.code)) return null
    throw error
  }
  let sessions: Sessions
  try {
    sessions = open(file, ({ type }) => void (type === 'rejected' && troubles++))
  } catch (error) {
    return { known: 0, troubles: 1, wrong: trouble(error) === null ? [] : [String(error)] }
  }
  const wrong: string[] = []
  let known = 0
  for (const { cookie, user, values } of kept) {
    const session = await sessions.peek(cookie).catch(trouble)
    if (session === null) continue
    if (session.user === user && JSON.stringify(session) === values) known++
    else wrong.push(`the cookie of ${user} opens ${session.user} with ${JSON.stringify(session)}`)
  }
  for (const user of new Set(kept.map((one) => one.user))) {
    const list = (await sessions.list(user).catch(trouble)) ?? []
    const own = kept.filter((one) => one.user === user)
    for (const { expiresAt, get } of list) {
      const one = own.find(({ values }) => values.startsWith(`{"n":${String(get('n'))},`))
      if (one?.expiresAt !== expiresAt) wrong.push(`the list of ${user} has number ${String(get('n'))}, until ${expiresAt}`)
    }
  }
  await sessions.close()
  return { known, troubles, wrong }
}

await gate(import.meta, { count: 20_000, seed: 1 }, async function* ({ count, seed, progress }) {
  const { wrong, lost, noticed } = await rot(count, seed, progress)
  yield {
    what: `one bit of a SQLite file flipped (seed ${seed})`,
    many: `${count} flips, ${noticed} noticed, ${lost.toFixed(2)} of ${people} sessions lost to each`,
    zero: 'wrong data read',
    wrong: wrong.length,
    problems: wrong,
  }
})
