/** The demo on each store by one switch, in a real browser. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser, noBrowser } from '../support/browser.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { Person } from './person.ts'
import { nameOf } from '../../demo/pegs.ts'
import { demoSays, runDemo, scratchFolder } from './run-demo.ts'

let browser: Browser | null
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser?.close()
})

const switches: readonly { readonly peg: string; readonly servers: readonly string[]; address(urls: readonly string[]): string }[] = [
  { peg: 'In Redis', servers: ['redis'], address: ([url = '']) => url },
  { peg: 'In PostgreSQL', servers: ['postgres'], address: ([url = '']) => url },
  { peg: 'In memcached', servers: ['memcached'], address: ([url = '']) => url },
  { peg: 'In Google Datastore', servers: ['datastore'], address: ([url = '']) => url },
  {
    peg: 'In memcached in front of PostgreSQL',
    servers: ['memcached', 'postgres'],
    address: ([cache = '', durable = '']) => `tiered:${cache}+${durable}`,
  },
]

for (const { peg, servers, address } of switches) {
  describeWith(servers, `S3.1 npm start -- --store …: ${peg}`, () => {
    test('a person counts, sets variables, fills a cart, signs in, and finds it all after a restart', async (context) => {
      if (browser === null) return context.skip(noBrowser)
      const { folder, remove } = scratchFolder()
      const args = ['--data', folder, '--store', address(await Promise.all(servers.map(sharedServer)))]
      let demo = await runDemo(args)
      const person = await Person.arrivePlainly(browser, demo.url)
      await person.press('Where shall we hang it?', peg)
      await person.press('Count to three', 'Open a session')
      await person.setVariable('colour', 'green')
      await person.signIn(`ada-${peg}`)
      expect(await person.card('Both halves of your ticket').innerText()).toContain('version')
      await demo.stop()
      demo = await runDemo([...args, '--port', String(demo.port)])
      expect(await person.whoAmI()).toContain('ada')
      expect(await person.variables()).toMatchObject({ colour: expect.stringContaining('green') as string })
      expect(person.troubles).toEqual([])
      await person.context.close()
      await demo.stop()
      remove()
    })
  })
}

test.each([
  ['redis://127.0.0.1:1', 'The store at redis://127.0.0.1:1 cannot be used (redisStore: connect ECONNREFUSED 127.0.0.1:1)'],
  ['postgres://ada:secret@127.0.0.1:1/db', 'The store at postgres://127.0.0.1:1/db cannot be used'],
  ['postgres://ada:one@secret@127.0.0.1:1/db', 'The store at postgres://127.0.0.1:1/db cannot be used'],
  ['tiered:memcached://127.0.0.1:1+postgres://ada:one/secret@127.0.0.1:1/db', 'tiered:memcached://127.0.0.1:1+postgres://127.0.0.1:1/db'],
  ['mysql://ada:secret@127.0.0.1:1/db', 'cannot be used'],
  ['nats://127.0.0.1:1', 'cannot be used'],
  ['memcached://127.0.0.1:1', 'cannot be used'],
  ['firestore://127.0.0.1:1/shop', 'cannot be used'],
  ['nowhere://x', 'no store at'],
])('%s says in one line what is wrong and what to type, without a password', async (store, words) => {
  const { folder, remove } = scratchFolder()
  const { code, output } = await demoSays(['--data', folder, '--store', store])
  expect(code).toBe(1)
  expect(output).toContain(words)
  expect(output.trim().split('\n')).toHaveLength(1)
  expect(output).toContain('npm start -- --help')
  expect(output).not.toContain('secret@')
  remove()
})

test.each([
  ['memory:', 'gone'],
  ['tiered:memory:+sqlite:', 'still signed in'],
])('%s promises no more than it keeps', async (store, words) => {
  const { folder, remove } = scratchFolder()
  const demo = await runDemo(['--data', folder, '--port', '0', '--store', store.endsWith('sqlite:') ? `${store}${folder}/one.db` : store])
  expect(demo.output()).toContain(words)
  await demo.stop()
  remove()
})

test.each([
  ['mirrored:mongodb+srv://host/db+postgres://user@host/db', 'MongoDB, moving to PostgreSQL'],
  ['tiered:memory:+sqlite:sessions.db', 'memory in front of SQLite'],
  ['sqlite:sessions.db', 'another SQLite file'],
])('%s is %s to a person', (url, name) => {
  expect(nameOf(url)).toBe(name)
})
