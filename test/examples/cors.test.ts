import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allBlocks } from '../../scripts/doc-blocks.ts'
import { filesUnder, textOf } from '../../scripts/source.ts'
import { type Answer, Browser } from '../../src/testing/adapter-contract/browser.ts'

const example = spawn(process.execPath, ['--import', './scripts/resolve-source.ts', 'examples/cors.ts'], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
let url: string

beforeAll(async () => {
  const [line] = (await once(example.stdout.setEncoding('utf8'), 'data')) as [string]
  url = line.trim().replace('localhost', '127.0.0.1')
})

afterAll(() => example.kill())

/** What a page of this origin gets with credentials: preflight, POST, then GET. */
async function asked(origin: string, site: string): Promise<{ answers: Answer[]; allowed: string[][] }> {
  const browser = new Browser(url)
  const answers: Answer[] = []
  for (const method of ['OPTIONS', 'POST', 'GET']) {
    answers.push(await browser.send(method, '/', { headers: { origin, 'sec-fetch-site': site } }))
  }
  browser.close()
  const allowed = answers.map((answer) => ['origin', 'credentials'].map((what) => answer.header(`access-control-allow-${what}`)))
  return { answers, allowed }
}

test.each(['https://app.example.com', 'https://admin.example.com'])('X-06 the example lets %s in, with its cookie', async (origin) => {
  const { answers, allowed } = await asked(origin, 'same-site')
  expect(allowed).toEqual([
    [origin, 'true'],
    [origin, 'true'],
    [origin, 'true'],
  ])
  expect(answers.map(({ status }) => status)).toEqual([204, 200, 200])
  expect(answers.map((answer) => answer.header('vary'))).toEqual(['Origin', 'Origin, Cookie', 'Origin, Cookie'])
  expect(answers.at(-1)?.body).toBe('{"visits":1}')
})

test.each([
  'https://app.example.com.evil.example',
  'https://evil-example.com',
  'https://blog.example.com',
  'https://example.com',
  'http://app.example.com',
  'https://app.example.com:8443',
  'https://APP.example.com',
  'https://app.example.com/',
  'https://app.example.com, https://evil.example',
  'null',
  '*',
])('X-06 the example lets %s read nothing and change nothing', async (origin) => {
  for (const site of ['cross-site', 'same-site']) {
    const { answers, allowed } = await asked(origin, site)
    expect(allowed).toEqual([
      ['', ''],
      ['', ''],
      ['', ''],
    ])
    expect(answers.map(({ status }) => status)).toEqual([204, 403, 200])
    expect(answers.map((answer) => answer.setCookies)).toEqual([[], [], []])
    expect(answers[2]?.header('vary')).toBe('Origin, Cookie')
  }
})

/** Ways to let everybody in that look like a list. */
const careless: readonly RegExp[] = [
  /allow-origin['"`]?\s*[,:]\s*['"`]\*/i,
  /allow-origin['"`]?\s*[,:]\s*\w*(req|request|headers)\b/i,
  /trustedOrigins:\s*(\[\s*)?\//,
  /cors\(\{[^}]*origin:\s*(true|\/)/,
]

test('X-06 nothing we print lets everybody in', () => {
  const printed = [
    ...allBlocks().map(({ file, line, code }) => ({ where: `${file}:${line}`, code })),
    ...['examples', 'demo'].flatMap(filesUnder).map((file) => ({ where: file, code: textOf(file) })),
  ]
  expect(printed.length).toBeGreaterThan(50)
  expect(printed.filter(({ code }) => careless.some((pattern) => pattern.test(code))).map(({ where }) => where)).toEqual([])
  for (const planted of [
    "res.setHeader('Access-Control-Allow-Origin', '*')",
    "{ 'access-control-allow-origin': req.headers.origin }",
    'csrf: { trustedOrigins: [/example\\.com$/] }',
    'app.use(cors({ credentials: true, origin: /example\\.com$/ }))',
  ]) {
    expect(
      careless.some((pattern) => pattern.test(planted)),
      planted,
    ).toBe(true)
  }
})
