import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Listening {
  readonly port: number
  /** Takes no new requests, lets those under way finish, and cuts off what hangs after two seconds. */
  close(): Promise<void>
}

/** Listens on this machine only, under both of its addresses: `localhost` means ::1 to one browser and 127.0.0.1 to the next. */
export async function listen(listener: RequestListener, port: number): Promise<Listening> {
  const first = await bind(listener, port, '127.0.0.1')
  const taken = (first.address() as AddressInfo).port
  const servers = [first]
  try {
    servers.push(await bind(listener, taken, '::1'))
  } catch (error) {
    if (isTaken(error)) {
      first.close()
      throw error
    }
    // Without IPv6, one address is all there is.
  }
  return { port: taken, close: async () => void (await Promise.all(servers.map(closed))) }
}

/** The first free port from `port` on. */
export async function listenFrom(listener: RequestListener, port: number): Promise<Listening> {
  try {
    return await listen(listener, port)
  } catch (error) {
    if (!isTaken(error) || port === 65_535) throw error
    return listenFrom(listener, port + 1)
  }
}

export function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}

function bind(listener: RequestListener, port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(listener)
    server.once('error', reject)
    server.listen(port, host, () => resolve(server))
  })
}

function closed(server: Server): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), 2000)
  return new Promise((resolve) => {
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
  })
}
