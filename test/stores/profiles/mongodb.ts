import { MongoClient } from 'mongodb'
import { mongodbStore } from '../../../src/stores/mongodb.ts'
import { insist } from '../insist.ts'
import type { StoreProfile } from '../profile.ts'

export const mongodb: StoreProfile = {
  name: 'mongodb',
  servers: ['mongodb'],
  countsAll: true,
  rowBytesMax: 16_777_216,
  async open([url = '']) {
    // By itself the driver waits 30 s for a new connection, and for ever for an answer.
    const patience = { connectTimeoutMS: 1_000, socketTimeoutMS: 2_000, serverSelectionTimeoutMS: 1_000, heartbeatFrequencyMS: 500 }
    const client = new MongoClient(url, patience)
    await insist(() => client.connect())
    const store = mongodbStore({ collection: client.db('coatcheck').collection('sessions') })
    await insist(() => store.migrate())
    return {
      store,
      async commands() {
        const { opcounters } = await client.db('admin').command({ serverStatus: 1 })
        return (opcounters as { served: number }).served
      },
      close: () => client.close(),
    }
  },
  lacks: [{ rule: 'sweep', reason: 'MongoDB drops expired documents by itself' }],
  words: {
    limits: '16 MB a session. Never run against a real MongoDB, only against a double of its wire protocol',
    eviction: 'never by MongoDB',
    restart: 'by its documentation everything acknowledged is there (`w: majority, j: true`); not tested on a real server',
    failover: 'by its documentation nothing acknowledged is lost; not tested on a real server',
  },
}
