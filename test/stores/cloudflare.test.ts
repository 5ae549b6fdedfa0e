import { d1, durableObject, kv } from './profiles/cloudflare.ts'
import { storeSuite } from './suite.ts'

for (const profile of [d1, durableObject, kv]) storeSuite(profile)
