/**
 * Three places on Cloudflare, from the strongest to the weakest: objects that keep a table each (`durable-object.ts`), a database
 * (`d1.ts`), and a key-value store without compare-and-swap (`kv.ts`). All take the binding as it is and need `nodejs_compat`.
 */
export { d1Store, type D1SessionStore, type D1StoreOptions } from './cloudflare/d1.ts'
export { durableObjectStore, type DurableObjectStoreOptions } from './cloudflare/durable-object.ts'
export { kvStore, type KvStoreOptions } from './cloudflare/kv.ts'
export { CoatcheckObject } from './cloudflare/object.ts'
