import { datastoreMode } from './profiles/datastore.ts'
import { storeSuite } from './suite.ts'

storeSuite(datastoreMode)
