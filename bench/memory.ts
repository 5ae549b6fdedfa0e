/** What a session of 1 KB costs in the memory store: `npm run bench:memory`. */
import { createSessions, type SessionStore } from 'coatcheck'
import { memoryStore } from 'coatcheck/memory'
import { sampleSession, secret, type SessionData } from './session.ts'

const sessionCount = 100_000
const budgetBytes = 1_536

if (globalThis.gc === undefined)
  throw new Error('run it with node --expose-gc: without a collection first, garbage would count as sessions')
const collect = globalThis.gc

const ids: string[] = []
const store = memoryStore()
const noting: SessionStore = {
  ...store,
  put(row, expected) {
    ids.push(row.id)
    return store.put(row, expected)
  },
}
const sessions = createSessions<SessionData>({ secret, store: noting })

async function create(from: number, count: number): Promise<void> {
  for (let visitor = from; visitor < from + count; visitor++) {
    const visit = sessions.visit({ method: 'POST', header: () => undefined })
    const session = await visit.session<SessionData>()
    for (const [key, value] of Object.entries(sampleSession(visitor))) session.set(key as keyof SessionData, value)
    await visit.commit()
  }
}

interface Memory {
  readonly resident: number
  readonly heap: number
}

/** An ordinary collection leaves half-empty pages with the process; `last-resort` compacts them and gives them back. */
async function settledMemory(flavor: 'regular' | 'last-resort'): Promise<Memory> {
  for (let i = 0; i < 3; i++) {
    collect({ type: 'major', execution: 'sync', flavor })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return { resident: rss, heap: heapUsed + external }
}

// The first ones pay for compilation and for the collector's spaces.
await create(0, 5_000)
const before = await settledMemory('last-resort')
await create(5_000, sessionCount)
const atWork = await settledMemory('regular')
const after = await settledMemory('last-resort')

const kept = await Promise.all(ids.slice(5_000).map(async (id) => (await store.get(id)) !== null))
const missing = kept.filter((there) => !there).length
if (missing > 0) throw new Error(`${missing} of ${sessionCount} sessions are not in the store: the figure would be too good`)

const perSession = (bytes: number): string => (bytes / sessionCount).toFixed(0).padStart(6)
const over = Math.round((after.resident - before.resident) / sessionCount) - budgetBytes
console.log(`memory store, ${sessionCount.toLocaleString('en')} sessions of ${JSON.stringify(sampleSession(0)).length} bytes as JSON`)
console.log(
  `${perSession(after.resident - before.resident)} bytes resident per session, compacted: ${over <= 0 ? 'within' : `${over} over`} ${budgetBytes}`,
)
console.log(`${perSession(atWork.resident - before.resident)} bytes resident per session, right after they were created`)
console.log(`${perSession(after.heap - before.heap)} bytes of heap and buffers per session`)
await sessions.close()
