/** A TCP proxy that breaks connections on command: what stands between a store and its server on a bad day. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type TcpFault =
  /** Connections are accepted and reset at once; those that are open are reset now. */
  | { readonly kind: 'reset' }
  /** Nothing arrives in either direction any more, and nobody is told: a half-open connection. */
  | { readonly kind: 'blackhole' }
  /** Replies come late. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** Replies come one byte at a time. */
  | { readonly kind: 'slice' }
  /** The next reply is cut after so many bytes, and the connection is reset. */
  | { readonly kind: 'cut'; readonly bytes: number }
  /** The next reply stops after so many bytes, and the connection stays open. */
  | { readonly kind: 'stall'; readonly bytes: number }
  /** The server gets the request and does it; its reply never arrives, and the connection is reset. */
  | { readonly kind: 'lose-reply' }

export interface FaultProxy {
  readonly port: number
  /** Connections open right now. */
  readonly connections: number
  /** From now on; `null` heals. Connections that a fault has broken stay broken. */
  set(fault: TcpFault | null): void
  close(): Promise<void>
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
  /** A fault of the whole connection, once it has begun. */
  dead: boolean
}

/** Starts a proxy in front of a port of this machine. */
export async function faultProxy(target: number): Promise<FaultProxy> {
  const pairs = new Set<Pair>()
  let fault: TcpFault | null = null

  const listener = createServer((client) => {
    if (fault?.kind === 'reset') return void client.resetAndDestroy()
    const server = connect(target, '127.0.0.1').setNoDelay(true)
    client.setNoDelay(true)
    const pair: Pair = { client, server, dead: false }
    pairs.add(pair)
    const end = (): void => {
      pairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) socket.on('error', end).on('close', end)
    client.on('data', (request) => {
      if (fault?.kind === 'blackhole') pair.dead = true
      if (!pair.dead) server.write(request)
    })
    server.on('data', (reply) => {
      if (!pair.dead) pass(pair, reply)
    })
  })

  function pass(pair: Pair, reply: Buffer): void {
    const { client } = pair
    switch (fault?.kind) {
      case undefined:
        return void client.write(reply)
      case 'latency':
        return void setTimeout(() => client.write(reply), fault.ms)
      case 'slice':
        for (const byte of reply) client.write(Buffer.of(byte))
        return
      case 'blackhole':
        return void (pair.dead = true)
      case 'stall':
        pair.dead = true
        return void client.write(reply.subarray(0, fault.bytes))
      case 'cut':
        pair.dead = true
        return void client.write(reply.subarray(0, fault.bytes), () => client.resetAndDestroy())
      case 'reset':
      case 'lose-reply':
        pair.dead = true
        return void client.resetAndDestroy()
    }
  }

  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    get connections() {
      return pairs.size
    },
    set(next) {
      fault = next
      if (next?.kind === 'reset') for (const { client } of pairs) client.resetAndDestroy()
    },
    async close() {
      for (const { client, server } of pairs) {
        client.destroy()
        server.destroy()
      }
      listener.close()
      await once(listener, 'close')
    },
  }
}
