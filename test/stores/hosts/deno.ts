// deno run --unstable-kv … deno.ts <port> <folder>: denoKvStore on a file in the folder, lent over HTTP.
import process from 'node:process'
import { openStore, serve } from '../deno/kv.ts'
import { serveStores } from './serve.ts'

const [, , port = '', folder = ''] = process.argv
const { kv, store } = await openStore(`${folder}/sessions.kv`)
const extras = {
  /** Puts a value of somebody else in the place of a session. */
  intrude: (id: string, value: unknown) => kv.set(['coatcheck', 'session', id], value),
  shut: () => kv.close(),
}
serve(Number(port), (request) => serveStores({ 'deno-kv': { store, extras } }, request))
