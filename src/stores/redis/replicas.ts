import { CoatcheckError } from '../../core/errors.ts'
import { invalid, storeOptions, wholeNumber } from '../common/options.ts'
import type { Wire } from './client.ts'

/** How many replicas must have a write, and how long it may wait for them. */
export interface WaitReplicas {
  readonly count: number
  readonly timeoutMs: number
}

/** Runs a write on the node of `key`, and waits for its replicas when told to. */
export type Write = <T>(key: string, call: () => Promise<T>) => Promise<T>

export function writerOf(wire: Wire, options: WaitReplicas | undefined): Write {
  if (options === undefined) return (_key, call) => call()
  const { count, timeoutMs } = checked(wire, options)
  const wait = ['WAIT', String(count), String(timeoutMs)]
  return async (key, call) => {
    // Not sent along at once: a script that the server did not know, or a key that has moved, is sent a second time, behind the question.
    const answer = await call()
    const replicas = await wire.send(key, wait)
    if (Number(replicas) >= count) return answer
    throw new CoatcheckError('store_unavailable', `redisStore: the write reached ${Number(replicas)} of ${count} replicas in time`)
  }
}

function checked(wire: Wire, options: WaitReplicas): WaitReplicas {
  if (!wire.reachesNodes) {
    throw invalid("redisStore: waitReplicas does not go with ioredis' Cluster, which sends WAIT to any node; use node-redis' createCluster")
  }
  const own = storeOptions('redisStore.waitReplicas', options, ['count', 'timeoutMs'])
  return {
    count: wholeNumber('redisStore', 'waitReplicas.count', own.count, 1, 100),
    timeoutMs: wholeNumber('redisStore', 'waitReplicas.timeoutMs', own.timeoutMs, 1, 60_000),
  }
}
