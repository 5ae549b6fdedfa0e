/** Starting a server program: on loopback, on a free port, with its data in a folder of its own, and gone when it is stopped. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chownSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** What tests drive. */
export interface Program {
  readonly name: string
  /** Debian packages that bring it; none: it comes with `npm ci`. */
  readonly packages: readonly string[]
  /** Whether it is on this machine. */
  present(): boolean
}

/** A kind of server. */
export interface ServerKind extends Program {
  start(): Promise<Server>
  /** Makes an empty database on one that runs, and answers its address: for who cannot share with others. */
  database?(url: string, name: string): Promise<string>
}

/** A server that runs. */
export interface Server {
  readonly name: string
  /** What a client is told, such as `redis://127.0.0.1:6400`. */
  readonly url: string
  readonly port: number
  /** Its data; removed when it is stopped. */
  readonly folder: string
  readonly pid: number
  /** Sends a signal, and with one that kills waits until it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Starts it again with the same data on the same port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** How one kind is started. */
export interface Recipe {
  readonly name: string
  readonly url: (port: number) => string
  /** Makes what the first start needs. */
  readonly prepare?: (folder: string) => Promise<void>
  readonly command: (port: number, folder: string) => readonly [program: string, ...args: string[]]
  /** Programs that refuse to run as root run as this user. */
  readonly unprivileged?: Owner | null
  readonly env?: Readonly<Record<string, string>>
  /** Whether it serves. Default: it accepts a connection. */
  readonly serves?: (port: number) => Promise<boolean>
}

export interface Owner {
  readonly uid: number
  readonly gid: number
}

const startMsMax = 60_000
const deadly: readonly NodeJS.Signals[] = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGQUIT']

/** Starts a server by its recipe. Rejects with what it said when it does not come up. */
export async function launch(recipe: Recipe): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), `coatcheck-${recipe.name}-`))
  if (recipe.unprivileged) chownSync(folder, recipe.unprivileged.uid, recipe.unprivileged.gid)
  try {
    await recipe.prepare?.(folder)
    const port = await freePort()
    let running = await run(recipe, port, folder)
    return {
      name: recipe.name,
      url: recipe.url(port),
      port,
      folder,
      get pid() {
        return running.pid ?? 0
      },
      async kill(signal) {
        running.kill(signal)
        if (deadly.includes(signal)) await ended(running)
      },
      async restart() {
        running.kill('SIGKILL')
        await ended(running)
        running = await again(() => run(recipe, port, folder))
      },
      async stop() {
        running.kill('SIGKILL')
        await ended(running)
        rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
      },
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    throw error
  }
}

/** What a killed server has left behind, such as children in PostgreSQL's shared memory, may be in its way for a moment. */
async function again<T>(start: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await start()
    } catch (error) {
      if (tries === 20) throw error
      await sleep(100)
    }
  }
}

async function run(recipe: Recipe, port: number, folder: string): Promise<ChildProcess> {
  const { name, unprivileged, env, serves = accepts } = recipe
  const [program, ...args] = mortal(recipe.command(port, folder))
  const child = spawn(program as string, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...unprivileged,
  })
  let said = ''
  const listen = (chunk: Buffer): void => void (said = (said + String(chunk)).slice(-4_000))
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  child.on('error', (error) => listen(Buffer.from(String(error))))
  const giveUpAt = performance.now() + startMsMax
  while (!(await serves(port))) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) throw new Error(`${name} ended at once:\n${said}`)
    if (performance.now() > giveUpAt) {
      child.kill('SIGKILL')
      throw new Error(`${name} did not come up within ${startMsMax / 1000} s:\n${said}`)
    }
    await sleep(25)
  }
  // Nobody reads on: a full pipe would stop it.
  child.stdout.resume()
  child.stderr.resume()
  return child
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) await once(child, 'exit')
}

/** The command under which a program does not outlive whoever started it, where there is one. */
function mortal(command: readonly string[]): readonly string[] {
  const setpriv = process.platform === 'linux' ? findProgram(['setpriv']) : null
  return setpriv === null ? command : [setpriv, '--pdeathsig', 'KILL', '--', ...command]
}

/** Whether something accepts a connection there. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const answer = (yes: boolean) => (): void => {
      socket.destroy()
      resolve(yes)
    }
    socket.once('connect', answer(true)).once('error', answer(false))
  })
}

/** A port nobody listens on. Between the answer and its use somebody may take it; that is seen at the start. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The first of these programs that is on the PATH, or in one of the folders. */
export function findProgram(names: readonly string[], folders: readonly string[] = []): string | null {
  const path = [...folders, ...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return names.flatMap((name) => path.map((folder) => join(folder, name))).find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The program, which `present` has said is there. */
export function theProgram(names: readonly string[], folders: readonly string[] = []): string {
  const found = findProgram(names, folders)
  if (found === null) throw new Error(`no ${names.join(' or ')} on this machine`)
  return found
}
