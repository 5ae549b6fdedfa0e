import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '../run.ts'
import { launch, type Server, theProgram } from './launch.ts'
import { startRedis } from './redis.ts'

export const masterName = 'coats'

export interface Watched {
  readonly master: Server
  readonly replica: Server
  readonly sentinel: Server
  stop(): Promise<void>
}

/** A master, its replica, and a Sentinel that makes the replica master half a second after it has lost the other one. */
export async function startRedisSentinel(): Promise<Watched> {
  const master = await startRedis()
  const replica = await startRedis(['--replicaof', '127.0.0.1', String(master.port)])
  const sentinel = await launch({
    name: 'redis-sentinel',
    url: (port) => `redis://127.0.0.1:${port}`,
    command(port, folder) {
      // It writes what it learns into its own configuration.
      const file = join(folder, 'sentinel.conf')
      writeFileSync(file, configuration(master.port))
      return [theProgram(['redis-server', 'valkey-server']), file, '--sentinel', '--port', String(port), '--bind', '127.0.0.1']
    },
  })
  for (let waits = 0; waits < 400 && !(await knowsReplica(sentinel)); waits++) await sleep(50)
  const all = [sentinel, replica, master]
  return { master, replica, sentinel, stop: async () => void (await Promise.all(all.map((server) => server.stop()))) }
}

function configuration(port: number): string {
  return [
    `sentinel monitor ${masterName} 127.0.0.1 ${port} 1`,
    `sentinel down-after-milliseconds ${masterName} 500`,
    `sentinel failover-timeout ${masterName} 2000`,
  ].join('\n')
}

async function knowsReplica({ port }: Server): Promise<boolean> {
  const { output } = await run(theProgram(['redis-cli', 'valkey-cli']), ['-p', String(port), 'sentinel', 'replicas', masterName])
  return /master-link-status\nok/.test(output)
}
