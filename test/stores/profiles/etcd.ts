import { etcdStore } from '../../../src/stores/etcd.ts'
import { insist } from '../insist.ts'
import type { StoreProfile } from '../profile.ts'

/** Reads and writes; granting a lease is neither. */
const served = /^grpc_server_handled_total\{.*grpc_service="etcdserverpb\.KV".*\} (\d+)$/gm

export const etcd: StoreProfile = {
  name: 'etcd',
  servers: ['etcd'],
  countsAll: true,
  rowBytesMax: 1_572_864,
  async open([url = '']) {
    const endpoint = url.replace(/^etcd:/, 'http:')
    const store = etcdStore({ endpoints: [endpoint] })
    await insist(async () => store.ready?.())
    return {
      store,
      async commands() {
        const metrics = await (await fetch(`${endpoint}/metrics`)).text()
        return [...metrics.matchAll(served)].reduce((sum, [, count]) => sum + Number(count), 0)
      },
      close: async () => {},
    }
  },
  lacks: [
    { rule: 'touch', reason: 'every write of a key is a new revision, so moving the expiry is a put' },
    { rule: 'sweep', reason: 'leases drop expired rows' },
  ],
  words: {
    limits: '1.5 MiB a session (`--max-request-bytes`), 2 GiB in all (`--quota-backend-bytes`); compaction has to be turned on',
    eviction: 'never: a full etcd refuses writes',
    restart: 'everything acknowledged is there',
    failover: 'nothing acknowledged is lost while a majority lives; without one, `store_unavailable`',
  },
}
