import { mysql } from './profiles/mysql.ts'
import { storeSuite } from './suite.ts'

storeSuite(mysql)
