import { firestore } from './profiles/firestore.ts'
import { storeSuite } from './suite.ts'

storeSuite(firestore)
