import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { help, readOptions } from '../../demo/options.ts'
import { demoSays, runDemo, type RunningDemo, scratchFolder } from './run-demo.ts'

let scratch: ReturnType<typeof scratchFolder>
let running: RunningDemo[]

beforeEach(() => {
  scratch = scratchFolder()
  running = []
})

afterEach(async () => {
  await Promise.all(running.map((demo) => demo.stop()))
  scratch.remove()
})

async function start(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<RunningDemo> {
  const demo = await runDemo(args, env)
  running.push(demo)
  return demo
}

/** Holds a port of this machine, any one when 0, until the answer is called. */
async function occupy(port: number): Promise<{ port: number; free: () => void }> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, free: () => void server.close() }
}

/** Addresses under which other machines know this one. */
function outsideAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((entries) => entries ?? [])
  return all.filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address)
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8)
}

describe('arguments', () => {
  test('nothing given: 3000 or the next free port, ./data', () => {
    expect(readOptions([], {})).toEqual({ help: false, port: null, dataFolder: join(process.cwd(), 'data'), store: null })
  })

  test('--port wins over PORT, and an empty PORT is none', () => {
    expect(readOptions(['--port', '8080'], { PORT: '9090' })).toMatchObject({ port: 8080 })
    expect(readOptions([], { PORT: '9090' })).toMatchObject({ port: 9090 })
    expect(readOptions([], { PORT: '' })).toMatchObject({ port: null })
  })

  test('--store wins over SESSION_STORE', () => {
    expect(readOptions(['--store', 'redis://one'], { SESSION_STORE: 'redis://two' })).toMatchObject({ store: 'redis://one' })
    expect(readOptions([], { SESSION_STORE: 'redis://two' })).toMatchObject({ store: 'redis://two' })
    expect(readOptions([], { SESSION_STORE: '' })).toMatchObject({ store: null })
  })

  test.each([
    [['--port', 'x'], '"x" is not a port'],
    [['--port', '65536'], '"65536" is not a port'],
    [['--port', '-1'], ''],
    [['--port', '1.5'], '"1.5" is not a port'],
    [['--port', ''], '"" is not a port'],
    [['--colour'], "Unknown option '--colour'"],
    [['--data', ''], 'The data folder has no name'],
    [['--store', ''], 'The store has no address'],
    [['stray'], 'Unexpected argument'],
  ])('%j is answered in words, with what to type', (args, words) => {
    const answer = readOptions(args, {})
    expect(answer).toContain(words)
    expect(answer).toContain('npm start')
  })

  test('--help prints the help and starts nothing', async () => {
    expect(await demoSays(['--help'])).toEqual({ code: 0, output: `${help}\n` })
  })

  test('a wrong argument ends with 1, one sentence and no stack', async () => {
    const { code, output } = await demoSays(['--port', 'x'])
    expect(code).toBe(1)
    expect(output.trim().split('\n')).toHaveLength(1)
  })
})

describe('ports', () => {
  test('3000 is taken: says so and takes the next free one', async () => {
    const usual = await occupy(3000).catch(() => null)
    try {
      const demo = await start(['--data', scratch.folder])
      expect(demo.port).toBeGreaterThan(3000)
      expect(demo.output()).toContain(`Port 3000 is taken, so this is on ${demo.port}.`)
      expect((await fetch(demo.url)).status).toBe(200)
    } finally {
      usual?.free()
    }
  })

  test('a port somebody asked for is taken: ends with 1 and says what to type', async () => {
    const { port, free } = await occupy(0)
    const { code, output } = await demoSays(['--port', String(port), '--data', scratch.folder])
    free()
    expect(code).toBe(1)
    expect(output).toContain(`Port ${port} is taken by another program.`)
    expect(output).toContain(`npm start -- --port ${port + 1}`)
  })

  test('PORT is one somebody asked for too', async () => {
    const { port, free } = await occupy(0)
    const { code } = await demoSays(['--data', scratch.folder], { PORT: String(port) })
    free()
    expect(code).toBe(1)
  })

  test('only this machine can reach it, under both names of localhost', async () => {
    const { port } = await start(['--port', '0', '--data', scratch.folder])
    expect((await fetch(`http://127.0.0.1:${port}`)).status).toBe(200)
    for (const address of outsideAddresses()) await expect(fetch(`http://${address}:${port}`), address).rejects.toThrow('fetch failed')
  })
})

describe('the data folder', () => {
  test('the secret is made once, and only its owner can read it', async () => {
    const folder = join(scratch.folder, 'new')
    const secret = join(folder, 'secret')
    const first = await start(['--port', '0', '--data', folder])
    expect([modeOf(folder), modeOf(secret)]).toEqual(['700', '600'])
    const made = readFileSync(secret, 'utf8')
    expect(Buffer.from(made, 'base64url')).toHaveLength(32)
    expect(first.output()).toContain('new secret')
    await first.stop()

    chmodSync(secret, 0o644)
    const second = await start(['--port', '0', '--data', folder])
    expect(readFileSync(secret, 'utf8')).toBe(made)
    expect(modeOf(secret)).toBe('600')
    expect(second.output()).not.toContain('new secret')
    expect(first.output() + second.output()).not.toContain(made.trim())
  })

  test('a damaged secret or a folder that is a file ends with 1 and says what to do', async () => {
    writeFileSync(join(scratch.folder, 'secret'), '\n')
    const damaged = await demoSays(['--port', '0', '--data', scratch.folder])
    expect(damaged.code).toBe(1)
    expect(damaged.output).toContain('Delete that folder to begin afresh')
    const file = await demoSays(['--port', '0', '--data', join(scratch.folder, 'secret')])
    expect(file.code).toBe(1)
    expect(file.output).toContain('npm start -- --data FOLDER')
  })
})

test('F-02 a store that is gone logs nobody in or out, and page and terminal say so', async () => {
  const demo = await start(['--port', '0', '--data', scratch.folder])
  const first = await fetch(`${demo.url}/sign-in`, { method: 'POST', body: new URLSearchParams({ name: 'ada' }), redirect: 'manual' })
  const cookie = first.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  for (const file of ['sessions.db', 'sessions.db-wal', 'sessions.db-shm']) rmSync(join(scratch.folder, file), { force: true })
  const answer = await fetch(`${demo.url}/counter`, { method: 'POST', headers: { cookie }, redirect: 'manual' })
  expect(answer.status).toBe(503)
  expect(answer.headers.getSetCookie()).toEqual([])
  expect(await answer.text()).toContain('The store does not answer. Nobody was signed in or out')
  await expect.poll(demo.output, { timeout: 20_000 }).toContain('[coatcheck]')
})

describe('stopping', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('%s closes server and stores and ends with 0', async (signal) => {
    const demo = await start(['--port', '0', '--data', scratch.folder])
    await fetch(`${demo.url}/counter`, { method: 'POST', redirect: 'manual' })
    expect(await demo.stop(signal)).toBe(0)
    expect(demo.output()).toContain('Closed.')
    // SQLite takes its write-ahead log back into the file when the last connection closes.
    expect(existsSync(join(scratch.folder, 'sessions.db'))).toBe(true)
    expect(existsSync(join(scratch.folder, 'sessions.db-wal'))).toBe(false)
  })

  test('a connection that hangs does not keep it', async () => {
    const demo = await start(['--port', '0', '--data', scratch.folder])
    const socket = connect(demo.port, '127.0.0.1').on('error', () => socket.destroy())
    socket.write(
      'POST /counter HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\n',
    )
    await once(socket, 'connect')
    expect(await demo.stop('SIGINT')).toBe(0)
    socket.destroy()
  })
})
