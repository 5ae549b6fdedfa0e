import { join } from 'node:path'
import { memoryStore } from 'coatcheck/memory'
import { sqliteStore } from 'coatcheck/sqlite'
import { type Carried, ours } from './coatcheck.ts'
import type { Place, Subject } from './subject.ts'

const memory = (): Carried => ({ store: memoryStore() })
const sqlite = ({ dir }: Place): Carried => ({ store: sqliteStore({ file: join(dir, 'sessions.db') }) })
const sealed = (): Carried => ({ carrier: 'sealed', irrevocable: true })

export const subjects: Subject[] = [
  ours('node', 'memory', memory),
  ours('node', 'sqlite', sqlite),
  ours('node', 'sealed', sealed),
  ours('express', 'memory', memory),
  ours('express', 'sqlite', sqlite),
  ours('fastify', 'memory', memory),
  ours('koa', 'memory', memory),
  ours('hono', 'memory', memory),
]
