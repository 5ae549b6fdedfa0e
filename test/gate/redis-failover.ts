/**
 * A Redis Cluster of three masters with a replica each, under load: one master is killed (kill -9), its replica takes over, and five
 * seconds later the one that was killed is back as a replica; until then no write to that shard can have the replica it waits for.
 * Writes that were acknowledged must be there afterwards; how long some session could not be written is measured.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createCluster } from 'redis'
import { startRedisCluster } from '../../scripts/servers/redis-cluster.ts'
import { createSessions, type Sessions } from '../../src/index.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { Visitor } from '../support/visitor.ts'
import type { Row } from './program.ts'

type Any = Record<string, unknown>

const visitors = 60
const beforeMs = 2_000
const awayMs = 5_000
const afterMs = 8_000

interface Writer {
  readonly visitor: Visitor
  acknowledged: number
  asked: number
  /** When its writes succeeded again after the first that failed. */
  failedAt: number | null
  longestGapMs: number
}

export async function failover(): Promise<Row> {
  const servers = await startRedisCluster()
  // While a node is away its commands would wait in a queue for it to come back, and nobody would ask who has taken its place.
  const client = createCluster({
    rootNodes: servers.nodes.map(({ url }) => ({ url })),
    topologyRefreshOnReconnectionAttemptStrategy: 500,
    defaults: { disableOfflineQueue: true, socket: { reconnectStrategy: 100 } },
  })
  client.on('error', () => null)
  await client.connect()
  const store = redisStore({ client, waitReplicas: { count: 1, timeoutMs: 50 } })
  const sessions = createSessions<Any>({ secret: 'a secret for the failover, longer than 32 bytes', store })
  try {
    const writers = await Promise.all(Array.from({ length: visitors }, () => begin(sessions)))
    let running = true
    const writing = writers.map((writer) => write(writer, () => running))
    await sleep(beforeMs)
    await servers.nodes[0]?.kill('SIGKILL')
    await sleep(awayMs)
    await servers.nodes[0]?.restart()
    await sleep(afterMs)
    running = false
    await Promise.all(writing)
    return await judge(sessions, writers)
  } finally {
    client.destroy()
    await servers.stop()
  }
}

async function begin(sessions: Sessions<Any>): Promise<Writer> {
  const visitor = new Visitor(sessions)
  await visitor.visit((session) => session.set('n', 0))
  return { visitor, acknowledged: 0, asked: 0, failedAt: null, longestGapMs: 0 }
}

async function write(writer: Writer, running: () => boolean): Promise<void> {
  while (running()) {
    writer.asked++
    try {
      await writer.visitor.visit((session) => session.update('n', (n) => Number(n) + 1))
      writer.acknowledged++
      if (writer.failedAt !== null) writer.longestGapMs = Math.max(writer.longestGapMs, performance.now() - writer.failedAt)
      writer.failedAt = null
    } catch {
      writer.failedAt ??= performance.now()
    }
    await sleep(5)
  }
}

async function read(sessions: Sessions<Any>, cookie: string): Promise<number> {
  for (let tries = 0; ; tries++) {
    try {
      return Number((await sessions.peek(cookie))?.get('n') ?? -1)
    } catch (error) {
      if (tries === 20) throw error
      await sleep(500)
    }
  }
}

async function judge(sessions: Sessions<Any>, writers: readonly Writer[]): Promise<Row> {
  const problems: string[] = []
  for (const { visitor, acknowledged, asked, failedAt } of writers) {
    const n = await read(sessions, visitor.cookie)
    if (n < acknowledged) problems.push(`${acknowledged} writes were acknowledged and ${n} are there`)
    if (n > asked) problems.push(`${asked} writes were asked for and ${n} are there`)
    if (failedAt !== null) problems.push('writes never succeeded again')
  }
  const gapMs = Math.max(...writers.map(({ longestGapMs }) => longestGapMs))
  const acknowledged = writers.reduce((sum, writer) => sum + writer.acknowledged, 0)
  return {
    what: 'redis, cluster: a master killed (kill -9) under load, away for 5 s, waitReplicas: 1',
    many: `${visitors} sessions, ${acknowledged} acknowledged writes, back after ${(gapMs / 1000).toFixed(1)} s`,
    zero: 'acknowledged writes lost, writes done twice',
    wrong: problems.length,
    problems,
  }
}
