import { mysql, mysqlCountingChanges } from './profiles/mysql.ts'
import { storeSuite } from './suite.ts'

storeSuite(mysql)
storeSuite(mysqlCountingChanges, ['once'])
