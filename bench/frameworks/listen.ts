import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Running } from '../subjects/subject.ts'

export const host = '127.0.0.1'

/** Resolves once the server has a port. */
export async function listening(server: Server): Promise<Running> {
  if (!server.listening) {
    await new Promise((resolve, reject) => {
      server.once('error', reject)
      server.once('listening', resolve)
    })
  }
  return { port: (server.address() as AddressInfo).port, close: () => closed(server) }
}

/** The number in `/seed?v=17`, whether the framework hands out a path or a whole URL. */
export function visitorOf(url: string): number {
  return Number(url.slice(url.indexOf('?v=') + 3))
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
