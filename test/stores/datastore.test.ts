import { datastore } from './profiles/datastore.ts'
import { storeSuite } from './suite.ts'

storeSuite(datastore)
