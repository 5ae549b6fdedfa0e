import { postgres, postgresWithPostgresJs } from './profiles/postgres.ts'
import { storeSuite } from './suite.ts'

storeSuite(postgres)
storeSuite(postgresWithPostgresJs)
