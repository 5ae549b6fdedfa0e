/** The sessions of Python webapp2 applications (App Engine): read once, or read and written beside them. */
export { readPickle, writePickle, type PickleRefusal, type PickleResult } from './pickle.ts'
export type { Webapp2Backend } from './webapp2/backend.ts'
export { readWebapp2Cookie, writeWebapp2Cookie } from './webapp2/cookie.ts'
export { webapp2Datastore, type DatastoreTransaction, type SessionDatastore, type Webapp2DatastoreOptions } from './webapp2/datastore.ts'
export { webapp2Memcache, type MemcacheClient, type MemcacheItem } from './webapp2/memcache.ts'
export { fromWebapp2, type Webapp2MoveInOptions } from './webapp2/move-in.ts'
export type { Webapp2CookieOptions, Webapp2SecretKey, Webapp2WriteOptions } from './webapp2/options.ts'
export { webapp2Sessions, type Webapp2Session, type Webapp2Sessions, type Webapp2SessionsOptions } from './webapp2/sessions.ts'
