// deno run --unstable-kv … visits.ts <file>: serves a site in Deno, visits it once, then 20 times at once, then once, and prints the last count.
import process from 'node:process'
import { fetchSessions, getSession } from '../../../src/adapters/fetch.ts'
import { createSessions } from '../../../src/index.ts'
import { openStore, serve } from './kv.ts'

const [, , file = ''] = process.argv
const { store, close } = await openStore(file)
const sessions = createSessions<{ n: number }>({ secret: 'a test secret of more than 32 bytes: 0123456789', store })
await sessions.ready()
const handler = fetchSessions(sessions, async (request: Request) => {
  const session = await getSession(request)
  return new Response(`${session.update('n', (n) => Number(n ?? 0) + 1)}`)
})
const server = serve(0, handler)
let cookie = ''

async function visit(): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${server.addr.port}/`, { headers: { cookie } })
  cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
  return response.text()
}

await visit()
await Promise.all(Array.from({ length: 20 }, visit))
process.stdout.write(await visit())
await sessions.close()
await server.shutdown()
await close()
