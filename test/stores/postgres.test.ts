import { postgres } from './profiles/postgres.ts'
import { storeSuite } from './suite.ts'

storeSuite(postgres)
