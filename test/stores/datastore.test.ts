import { datastore, datastoreMode } from './profiles/datastore.ts'
import { storeSuite } from './suite.ts'

storeSuite(datastore)
storeSuite(datastoreMode)
