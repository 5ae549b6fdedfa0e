/** A memcached client for tests: the classic text protocol, one command at a time. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { MemcacheClient, MemcacheItem } from '../../src/migrate/webapp2.ts'

export class TestMemcache implements MemcacheClient<string> {
  /** Every command sent, by verb and key. */
  readonly asked: string[] = []
  readonly #socket: Socket
  #waiting: ((line: Buffer) => void) | null = null
  #received: Buffer = Buffer.alloc(0)
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#look()
    })
  }

  static async connect(url: string): Promise<TestMemcache> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    return new TestMemcache(socket)
  }

  async gets(key: string): Promise<(MemcacheItem & { cas: string }) | null> {
    const reply = await this.#ask('gets', key, `gets ${key}\r\n`, /^(?:VALUE [\s\S]*\r\n)?END\r\n$/)
    const head = reply.subarray(0, reply.indexOf('\r\n')).toString('latin1')
    const [, , flags = '', length = '', cas = ''] = head.split(' ')
    if (!head.startsWith('VALUE')) return null
    const start = head.length + 2
    return { value: Uint8Array.from(reply.subarray(start, start + Number(length))), flags: Number(flags), cas }
  }

  cas(key: string, value: Uint8Array, flags: number, cas: string): Promise<boolean> {
    return this.#store('cas', key, value, flags, ` ${cas}`)
  }

  add(key: string, value: Uint8Array, flags: number): Promise<boolean> {
    return this.#store('add', key, value, flags)
  }

  set(key: string, value: Uint8Array, flags: number): Promise<boolean> {
    return this.#store('set', key, value, flags)
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#ask('delete', key, `delete ${key}\r\n`, /\r\n$/)).toString().startsWith('DELETED')
  }

  close(): void {
    this.#socket.destroy()
  }

  async #store(verb: string, key: string, value: Uint8Array, flags: number, more = ''): Promise<boolean> {
    const head = Buffer.from(`${verb} ${key} ${flags} 0 ${value.length}${more}\r\n`)
    return (await this.#ask(verb, key, Buffer.concat([head, value, Buffer.from('\r\n')]), /\r\n$/)).toString() === 'STORED\r\n'
  }

  /** Sends a command when the one before has been answered, and waits for the whole reply. */
  #ask(verb: string, key: string, command: Buffer | string, whole: RegExp): Promise<Buffer> {
    this.asked.push(`${verb} ${key}`)
    const reply = this.#turn.then(() => {
      this.#socket.write(command)
      return new Promise<Buffer>((resolve) => {
        this.#waiting = (received) => {
          if (!whole.test(received.toString('latin1'))) return
          this.#received = Buffer.alloc(0)
          this.#waiting = null
          resolve(received)
        }
      })
    })
    this.#turn = reply
    return reply
  }

  #look(): void {
    this.#waiting?.(this.#received)
  }
}
