// node examples/webapp2-and-api/main.ts
//
// Starts the Python web application and the TypeScript API on one session, and goes from one to the other. Without a Python the
// web application's part is played by a cookie that webapp2 has written.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createApi } from './api.ts'

const secretKey = 'my-super-secret-key'
/** {"foo":"bar"}, written by webapp2 under this key in 2012. */
const recorded = 'session=eyJmb28iOiJiYXIifQ==|1327017600|7485e887275b729c31d3029a6162bf1f4d5334d3'
let cookie = ''

async function visit(who: string, url: string, method = 'GET'): Promise<void> {
  const response = await fetch(url, { method, headers: { cookie } })
  cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
  const { pathname, search } = new URL(url)
  console.log(`${who.padEnd(4)} ${method.padEnd(4)} ${(pathname + search).padEnd(12)} ${await response.text()}`)
}

function findPython(): string | undefined {
  const names = [process.env['PYTHON'] ?? 'python3', 'python3', 'python2.7', 'python']
  return names.find((name) => spawnSync(name, ['-c', 'import wsgiref']).status === 0)
}

async function startWeb(python: string): Promise<string> {
  const env = { ...process.env, SECRET_KEY: secretKey }
  const child = spawn(python, [fileURLToPath(new URL('web.py', import.meta.url))], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  process.once('exit', () => child.kill())
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`${python} has ended, and said why above`)))
  const [line] = (await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), ended])) as [string]
  const [port, ...rest] = line.trim().split(' ')
  console.log(`the web application runs on ${python}, ${rest.join(' ')}`)
  return `http://127.0.0.1:${port}`
}

const api = createApi(secretKey).listen(0, '127.0.0.1')
await once(api, 'listening')
const apiUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
const python = findPython()
const web = python === undefined ? null : await startWeb(python)
if (web === null) console.log('no Python here (apt-get install python3): the web application is a cookie it wrote in 2012')

await visit('api', `${apiUrl}/`)
if (web === null) cookie = recorded
else await visit('web', `${web}/?user=ada`)
await visit('api', `${apiUrl}/`)
await visit('api', `${apiUrl}/?add=hat`, 'POST')
await visit('api', `${apiUrl}/?add=coat`, 'POST')
if (web !== null) await visit('web', `${web}/`)
await visit('api', `${apiUrl}/`)

process.exit()
