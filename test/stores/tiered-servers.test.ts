import { expect, it } from 'vitest'
import { createSessions } from '../../src/index.ts'
import { memcachedStore } from '../../src/stores/memcached.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { tieredStore } from '../../src/stores/tiered.ts'
import { kindNamed } from '../../scripts/servers/index.ts'
import { secret } from '../support/backends.ts'
import { describeWith } from '../support/server.ts'
import { Visitor } from '../support/visitor.ts'
import { tieredMemcached, tieredRedis } from './profiles/tiered.ts'
import { storeSuite } from './suite.ts'

storeSuite(tieredMemcached)
storeSuite(tieredRedis)

describeWith(['memcached'], 'memcached before SQLite', () => {
  it('S1.10 S2.3 S4.9 F-10 a cache that is killed, away, and back empty costs no session', async () => {
    const server = await kindNamed('memcached').start()
    const cache = memcachedStore({ servers: [server.url], timeoutMs: 200 })
    const store = tieredStore({ cache, durable: sqliteStore({ file: ':memory:' }), unsafeNotDurable: true })
    const sessions = createSessions({ secret, store })
    await sessions.ready()
    const visitor = new Visitor(sessions)
    const count = async (): Promise<unknown> => {
      await visitor.visit((session) => session.update('n', (n) => Number(n ?? 0) + 1))
      return (await visitor.visit((session) => session.get('n'))).result
    }
    expect(await count()).toBe(1)
    expect(await count()).toBe(2)
    await server.kill('SIGKILL')
    expect(await count()).toBe(3)
    expect(await count()).toBe(4)
    await server.restart()
    expect(await count()).toBe(5)
    const copy = visitor.clone()
    await visitor.visit((session) => session.destroy())
    expect((await copy.visit((session) => session.isNew)).result).toBe(true)
    await sessions.close()
    await server.stop()
  })
})
