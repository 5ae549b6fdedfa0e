/** A TCP proxy that counts the gRPC calls going through it: each begins a stream of HTTP/2 with one HEADERS frame (RFC 9113, 4.1 and 6.2). */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface GrpcCounter {
  readonly port: number
  /** Calls that clients began so far. */
  readonly calls: number
  close(): Promise<void>
}

const prefaceBytes = 24
const frameHeaderBytes = 9
const headersType = 1

/** Starts a counting proxy in front of a port of this machine. */
export async function grpcCounter(target: number): Promise<GrpcCounter> {
  let calls = 0
  const sockets = new Set<Socket>()
  const listener = createServer((client) => {
    const server = connect(target, '127.0.0.1')
    const count = headersFrames(() => calls++)
    client.on('data', count)
    for (const socket of [client, server]) {
      sockets.add(socket.setNoDelay(true))
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    }
    client.pipe(server).pipe(client)
    client.on('close', () => server.destroy())
    server.on('close', () => client.destroy())
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    get calls() {
      return calls
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
}

/** Reads what a client sends, in whatever pieces it comes. */
export function headersFrames(found: () => void): (chunk: Buffer) => void {
  let skip = prefaceBytes
  let held = Buffer.alloc(0)
  return (chunk) => {
    held = Buffer.concat([held, chunk])
    for (;;) {
      const skipped = Math.min(skip, held.length)
      skip -= skipped
      held = held.subarray(skipped)
      if (skip > 0 || held.length < frameHeaderBytes) return
      if (held[3] === headersType) found()
      skip = frameHeaderBytes + held.readUIntBE(0, 3)
    }
  }
}
