import assert from 'node:assert/strict'
import { connect } from 'node:net'
import type { Browser } from './browser.ts'
import type { Case } from './cases.ts'
import { type Handler, reply, Site, sleep } from './site.ts'

const visitorsCount = 1_000
const connectionsCount = 20

/** Nobody gets anybody else's answer. */
export const visitorCases: readonly Case[] = [
  {
    name: `R-08 ${visitorsCount} visitors interleaved over ${connectionsCount} kept connections each see their own canary`,
    run: (serve) =>
      Site.open(serve, { '/plant': plant, '/canary': canary }, async (site) => {
        const browsers = Array.from({ length: connectionsCount }, () => site.browser())
        const jars = new Map<number, string>()
        await everybody(browsers, async (browser, visitor) => {
          await browser.get(`/plant?canary=${visitor}`)
          jars.set(visitor, [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; '))
          browser.cookies.clear()
        })
        assert.equal(new Set(jars.values()).size, visitorsCount)
        await everybody(browsers, async (browser, visitor) => {
          const answer = await browser.get('/canary', { headers: { cookie: jars.get(visitor) ?? '' } })
          assert.deepEqual([answer.body, answer.setCookies], [String(visitor), []])
        })
      }),
  },
  {
    name: 'H-08 requests pipelined on one connection are answered in order, each with its own cookie',
    run: (serve) =>
      Site.open(serve, { '/plant': plant }, async (site) => {
        const text = await pipelined(site.url, ['/plant?canary=101', '/plant?canary=102', '/plant?canary=103'])
        const answers = text.split(/(?=HTTP\/1\.1 \d)/)
        assert.deepEqual(
          answers.map((answer) => /^10\d/m.exec(answer)?.[0]),
          ['101', '102', '103'],
        )
        const cookies = answers.map((answer) => [...answer.matchAll(/^set-cookie: ([^;]*)/gim)].map(([, pair]) => pair))
        assert.deepEqual(
          cookies.map((lines) => lines.length),
          [1, 1, 1],
        )
        assert.equal(new Set(cookies.flat()).size, 3)
      }),
  },
]

const plant: Handler = async (exchange) => {
  const session = await exchange.session()
  session.set('canary', exchange.query.get('canary'))
  // Lets others in between, in another order than they came.
  await sleep(Number(exchange.query.get('canary')) % 3)
  return reply(exchange, session.get('canary'))
}

const canary: Handler = async (exchange) => {
  const session = await exchange.session()
  await sleep(Number(session.get('canary')) % 3)
  return reply(exchange, session.get('canary'))
}

/** Every visitor once, as many at a time as there are connections. */
async function everybody(browsers: readonly Browser[], visit: (browser: Browser, visitor: number) => Promise<void>): Promise<void> {
  let next = 0
  const line = async (browser: Browser): Promise<void> => {
    while (next < visitorsCount) await visit(browser, next++)
  }
  await Promise.all(browsers.map(line))
}

/** Sends all requests at once on one connection, answers what came back until the server closed it. */
function pipelined(url: string, paths: readonly string[]): Promise<string> {
  const { hostname, port, host } = new URL(url)
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(Number(port), hostname)
    socket.setTimeout(5_000, () => socket.destroy(new Error('the pipelined requests were not answered within 5000 ms')))
    socket.on('error', reject)
    socket.on('data', (chunk) => (text += chunk.toString()))
    socket.on('close', () => resolve(text))
    const last = paths.length - 1
    socket.write(
      paths
        .map((path, i) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: ${i === last ? 'close' : 'keep-alive'}\r\n\r\n`)
        .join(''),
    )
  })
}
