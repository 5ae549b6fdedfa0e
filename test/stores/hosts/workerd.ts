// node workerd.ts <port> <folder>: the stores of Cloudflare in a Worker in workerd, lent over HTTP. What they keep is in the folder.
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { findProgram } from '../../../scripts/servers/launch.ts'
import { startWorkerd } from '../../support/workerd.ts'

const main = `
import { env } from 'cloudflare:workers'
import { CoatcheckObject, d1Store, durableObjectStore, kvStore } from './src/stores/cloudflare.ts'
import { countedDatabase, countedNamespace } from './test/stores/hosts/counted.ts'
import { serveStores } from './test/stores/hosts/serve.ts'
export { CoatcheckObject }

const { database, trips: d1Trips } = countedDatabase(env.DB)
const { namespace, trips: objectTrips } = countedNamespace(env.SESSIONS)
const stores = {
  d1: { store: d1Store({ database }), trips: d1Trips },
  objects: { store: durableObjectStore({ namespace, shards: 4 }), trips: objectTrips },
  kv: { store: kvStore({ namespace: env.KV }) },
}
export default { fetch: (request) => serveStores(stores, request) }`

const [, , port = '', folder = ''] = process.argv
dieTogether(folder)
await startWorkerd(main, {
  port: Number(port),
  folder,
  d1Databases: ['DB'],
  kvNamespaces: ['KV'],
  durableObjects: { SESSIONS: { className: 'CoatcheckObject', useSQLite: true } },
})

/** Has Miniflare start workerd so that it does not outlive this process, where that can be had. */
function dieTogether(folder: string): void {
  const setpriv = process.platform === 'linux' ? findProgram(['setpriv']) : null
  if (setpriv === null) return
  const { default: workerd } = createRequire(createRequire(import.meta.url).resolve('miniflare'))('workerd') as { default: string }
  const script = join(folder, 'workerd.sh')
  writeFileSync(script, `#!/bin/sh\nexec ${setpriv} --pdeathsig KILL -- '${workerd}' "$@"\n`, { mode: 0o755 })
  process.env['MINIFLARE_WORKERD_PATH'] = script
}
