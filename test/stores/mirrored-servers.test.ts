import { mirroredFrom, mirroredTo } from './profiles/mirrored.ts'
import { storeSuite } from './suite.ts'

storeSuite(mirroredFrom)
storeSuite(mirroredTo)
