import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Connection } from './connection.ts'
import { handshake } from './handshake.ts'
import type { ServerOptions } from './server.ts'
import type { Address } from './addresses.ts'

const keepAliveMs = 30_000

/** A connection that is ready to be asked. */
export async function openConnection(address: Address, options: ServerOptions): Promise<Connection> {
  const connection = new Connection(await openSocket(address, options), options.timeoutMs)
  try {
    await handshake(connection, address, options.lifeKey)
    return connection
  } catch (error) {
    connection.retire()
    throw error
  }
}

/** Nothing is written before the other end has shown who it is. */
function openSocket({ host, port, secure }: Address, { tls, timeoutMs }: ServerOptions): Promise<Socket> {
  const socket = secure ? connectTls({ ...tls, host, port, rejectUnauthorized: true }) : connectTcp({ host, port })
  socket.setNoDelay(true)
  socket.setKeepAlive(true, keepAliveMs)
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      // One name with two addresses fails with two errors and no words.
      reject(error.message === '' ? new Error(String('code' in error ? error.code : error.name), { cause: error }) : error)
    }
    const timer = setTimeout(() => fail(new Error(`no connection within ${timeoutMs} ms`)), timeoutMs)
    socket.once('error', fail)
    socket.once('close', () => fail(new Error('the server closed the connection')))
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      resolve(socket)
    })
  })
}
