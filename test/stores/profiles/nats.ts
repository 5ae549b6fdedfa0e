import { Kvm } from '@nats-io/kv'
import { connect } from '@nats-io/transport-node'
import { natsStore } from '../../../src/stores/nats.ts'
import { insist } from '../insist.ts'
import type { StoreProfile } from '../profile.ts'

const dayMs = 24 * 3_600_000

export const nats: StoreProfile = {
  name: 'nats',
  servers: ['nats'],
  countsAll: true,
  rowBytesMax: 1_048_576,
  async open([url = '']) {
    const { host, searchParams } = new URL(url)
    const monitor = `http://127.0.0.1:${searchParams.get('monitor')}/varz`
    // By itself the client notices a half-open connection after two minutes, and waits 20 s for a new one.
    const vigilance = { pingInterval: 500, maxPingOut: 1, timeout: 1_000, reconnectTimeWait: 50, maxReconnectAttempts: -1 }
    const connection = await insist(() => connect({ servers: host, ...vigilance }))
    const buckets = new Kvm(connection)
    await insist(() => buckets.create('sessions', { ttl: 500 * dayMs }))
    return {
      store: natsStore({ kv: await insist(() => buckets.open('sessions')) }),
      // A request is one message.
      commands: async () => ((await (await fetch(monitor)).json()) as { in_msgs: number }).in_msgs,
      close: () => connection.close(),
    }
  },
  lacks: [
    { rule: 'touch', reason: 'every write of a key is a new revision, so moving the expiry is a put' },
    { rule: 'getMany', reason: 'a bucket is read key by key, and the client writes the requests of one tick together' },
    { rule: 'scan', reason: 'a bucket lists all its keys or none' },
    { rule: 'sweep', reason: "the bucket's ttl drops what was not written for long" },
  ],
  words: {
    limits: "1 MiB a session (the server's `max_payload`, the bucket's `maxValueSize`); no longer than the bucket's `ttl`",
    eviction: '`ready()` refuses a bucket that drops the oldest when full; a full one refuses writes',
    restart: 'everything is there after a crash of the server; a crash of the machine loses up to `sync_interval`, with one replica',
    failover: 'with three replicas another takes over; reads go to the leader, `ready()` refuses a bucket that reads elsewhere',
  },
}
