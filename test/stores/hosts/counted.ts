/** Bindings that count: each call on one is a round trip. */
import type { D1StoreOptions, DurableObjectStoreOptions } from '../../../src/stores/cloudflare.ts'

type Database = D1StoreOptions['database']
type Namespace = DurableObjectStoreOptions['namespace']
type Statement = ReturnType<Database['prepare']>

export function countedDatabase(database: Database): { database: Database; trips(): number } {
  const inner = new WeakMap<Statement, Statement>()
  let trips = 0
  const wrap = (statement: Statement): Statement => {
    const wrapped: Statement = {
      bind: (...values) => wrap(statement.bind(...values)),
      all: () => (trips++, statement.all()),
    }
    inner.set(wrapped, statement)
    return wrapped
  }
  return {
    database: {
      prepare: (sql) => wrap(database.prepare(sql)),
      batch: (statements) => (trips++, database.batch(statements.map((one) => inner.get(one) ?? one))),
    },
    trips: () => trips,
  }
}

export function countedNamespace(namespace: Namespace): { namespace: Namespace; trips(): number } {
  let trips = 0
  return {
    namespace: {
      idFromName: (name) => namespace.idFromName(name),
      get(id, options) {
        const object = namespace.get(id, options)
        return { fetch: (url, init) => (trips++, object.fetch(url, init)) }
      },
    },
    trips: () => trips,
  }
}
