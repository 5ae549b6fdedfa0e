// node scripts/run-block.ts block.ts: runs one block of the documentation the way a reader would.
// A program that goes on listening is asked for `/` once and must answer below 500; so must an exported fetch handler.
import './resolve-source.ts'
import { subscribe } from 'node:diagnostics_channel'
import type { Server } from 'node:net'
import { pathToFileURL } from 'node:url'

process.env['SESSION_SECRET'] ??= 'the secret of the documentation, long enough'

const started: Server[] = []
const settled: Promise<unknown>[] = []

// Whatever port the text names, a free one serves: two blocks may both say 3000.
subscribe('tracing:net.server.listen:asyncStart', (message) => {
  const { server, options } = message as { server: Server; options: { port?: number } }
  if (options.port !== undefined) options.port = 0
  started.push(server)
  settled.push(new Promise((resolve) => server.once('listening', resolve).once('error', resolve).once('close', resolve)))
})

interface FetchHandler {
  fetch(request: Request): Promise<Response> | Response
}

function isFetchHandler(value: unknown): value is FetchHandler {
  return typeof value === 'object' && value !== null && 'fetch' in value && typeof value.fetch === 'function'
}

function mustAnswer(response: Response): void {
  if (response.status >= 500) throw new Error(`GET / answered ${response.status}`)
}

function urlOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the block listens, but on no port')
  return `http://localhost:${address.port}/`
}

const [, , path = ''] = process.argv
const block = (await import(pathToFileURL(path).href)) as { readonly default?: unknown }
if (isFetchHandler(block.default)) mustAnswer(await block.default.fetch(new Request('https://example.com/')))

await Promise.all(settled)
const listening = started.filter((server) => server.listening)
for (const server of listening) mustAnswer(await fetch(urlOf(server)))
if (listening.length > 0) process.exit(0)
