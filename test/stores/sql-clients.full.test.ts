import { mysqlCountingChanges } from './profiles/mysql.ts'
import { postgresWithPostgresJs } from './profiles/postgres.ts'
import { storeSuite } from './suite.ts'

for (const profile of [postgresWithPostgresJs, mysqlCountingChanges]) storeSuite(profile)
