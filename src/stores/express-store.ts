/**
 * Between coatcheck and express-session, in both directions: `expressStore` keeps our sessions in a store written for express-session,
 * `asExpressStore` keeps express-session's sessions in a store of ours. Neither imports express-session.
 */
export { asExpressStore, type AsExpressStoreOptions } from './express-store/as-express-store.ts'
export type { ExpressSessionStore } from './express-store/offered.ts'
export { expressStore, type ForeignStore } from './express-store/foreign.ts'
