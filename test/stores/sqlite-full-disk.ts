/**
 * Lives through a full disk: signs people in, fills the disk, goes on for a while, signs people out, gets room back, goes on.
 * Prints what it saw as JSON.
 *
 * Arguments: a folder on a small disk of its own; what gives room back, `others` (somebody's file is removed) or `sweep`.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CoatcheckError, createSessions } from '../../src/index.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { Visitor } from '../support/visitor.ts'

const [folder = '', relief = 'others'] = process.argv.slice(2)
const log = join(folder, 'somebody-elses.log')
const hourMs = 3_600_000
let nowMs = Date.now()

writeFileSync(log, Buffer.alloc(256 * 1024, 'x'))
const file = join(folder, 'sessions.db')
const store = sqliteStore({ file })
const setup = { secret: 'only the tests of full disks use this secret', clock: () => nowMs }
const sessions = createSessions({ ...setup, store })
const outcomes = new Map<string, number>()

/** Runs a visit; its outcome, or the code of its error. */
async function attempt(visitor: Visitor, handler: Parameters<Visitor['visit']>[0]): Promise<string> {
  const outcome = await visitor.visit(handler).then(
    ({ outgoing }) => outgoing.outcome,
    (error: unknown) => (error instanceof CoatcheckError ? error.code : String(error)),
  )
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  return outcome
}

const isKnown = async (visitor: Visitor): Promise<boolean> => (await sessions.peek(visitor.cookie)) !== null
const knownOf = async (all: readonly Visitor[]): Promise<number> => (await Promise.all(all.map(isKnown))).filter(Boolean).length

const people = Array.from({ length: 24 }, () => new Visitor(sessions))
for (const [n, person] of people.entries()) await attempt(person, (session) => session.signIn(`user-${n}`))

const newcomers: Visitor[] = []
let refused = 0
for (let n = 0; refused < 100; n++) {
  const newcomer = new Visitor(sessions)
  const outcome = await attempt(newcomer, (session) => session.set('bag', 'x'.repeat(4_000)))
  if (outcome === 'stored') newcomers.push(newcomer)
  else refused++
}
const readable = [await knownOf(people), await knownOf(newcomers)]

const copies = people.map((person) => person.clone())
const leaving = people.slice(0, 20)
const left: string[] = []
for (const person of leaving) {
  left.push(await attempt(person, (session) => session.destroy()))
  // Who wants in still finds no room, and takes none of what is left for those who want out.
  refused += (await attempt(new Visitor(sessions), (session) => session.set('bag', 'x'.repeat(4_000)))) === 'stored' ? 0 : 1
}
const revoked = await sessions.revokeUser('user-23')

if (relief === 'others') rmSync(log)
else {
  nowMs += 2 * hourMs
  await store.sweep?.(nowMs, 10_000)
}
await sleep(1_100)
const afterwards = await attempt(new Visitor(sessions), (session) => session.set('back', true))
await sessions.close()

const again = createSessions({ ...setup, store: sqliteStore({ file }) })
const reopened = await Promise.all([...copies, ...newcomers].map(async (one) => (await again.peek(one.cookie)) !== null))
await again.close()
const count = (flags: readonly boolean[]): number => flags.filter(Boolean).length
console.log(
  JSON.stringify({
    outcomes: [...outcomes.keys()].toSorted(),
    newcomers: newcomers.length,
    refused,
    readable,
    signedOut: left.filter((outcome) => outcome === 'erased').length,
    revoked,
    afterwards,
    reopened: { signedOut: count(reopened.slice(0, 20)), stayed: count(reopened.slice(20, 24)), newcomers: count(reopened.slice(24)) },
  }),
)
