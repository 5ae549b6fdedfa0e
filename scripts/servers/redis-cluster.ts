import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '../run.ts'
import { findProgram, type Server, type ServerKind, theProgram } from './launch.ts'
import { startRedis } from './redis.ts'

const clients = ['redis-cli', 'valkey-cli']
const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--repl-diskless-sync-delay', '0', '--appendonly', 'yes']

/** Three masters with a replica each. `nodes` in the order they were started; the address is the first one's. */
export async function startRedisCluster(): Promise<Server & { readonly nodes: readonly Server[] }> {
  const nodes = await Promise.all(Array.from({ length: 6 }, () => startRedis(settings)))
  const [first] = nodes as [Server]
  const cli = async (...args: string[]): Promise<string> => (await run(theProgram(clients), args)).output
  const places = nodes.map(({ port }) => `127.0.0.1:${port}`)
  await cli('--cluster', 'create', ...places, '--cluster-replicas', '1', '--cluster-yes')
  // A replica that has not caught up cannot take over.
  for (let waits = 0; waits < 200 && !(await allReady(nodes, cli)); waits++) await sleep(50)
  const all = async (each: (node: Server) => Promise<void>): Promise<void> => void (await Promise.all(nodes.map(each)))
  return {
    ...first,
    name: 'redis-cluster',
    nodes,
    pid: first.pid,
    kill: (signal) => all((node) => node.kill(signal)),
    restart: () => all((node) => node.restart()),
    stop: () => all((node) => node.stop()),
  }
}

async function allReady(nodes: readonly Server[], cli: (...args: string[]) => Promise<string>): Promise<boolean> {
  const told = await Promise.all(
    nodes.flatMap(({ port }) => [cli('-p', `${port}`, 'cluster', 'info'), cli('-p', `${port}`, 'info', 'replication')]),
  )
  const bad = told.filter((text) => /cluster_state:fail|master_link_status:down/.test(text))
  return bad.length === 0 && told.filter((text) => /role:slave/.test(text)).length === 3
}

export const redisCluster: ServerKind = {
  name: 'redis-cluster',
  packages: ['redis-server', 'redis-tools'],
  present: () => findProgram(['redis-server', 'valkey-server']) !== null && findProgram(clients) !== null,
  start: startRedisCluster,
}
