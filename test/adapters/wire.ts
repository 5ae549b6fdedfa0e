import { type RequestListener } from 'node:http'
import { connect } from 'node:net'
import { onTestFinished } from 'vitest'
import { listen } from './harness.ts'

/** A raw HTTP/1.1 exchange: what has come over the wire so far, to the byte. */
export interface Wire {
  text(): string
  send(text: string): void
  /** Resolves when this stands in what has come. */
  until(part: string): Promise<void>
  closed(): Promise<void>
  cut(): void
}

const waitMsMax = 3_000

async function served(listener: RequestListener): Promise<string> {
  const { url, close } = await listen(listener)
  onTestFinished(close)
  return url
}

export async function wireTo(listener: RequestListener, head = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'): Promise<Wire> {
  const { port, hostname } = new URL(await served(listener))
  const socket = connect(Number(port), hostname)
  let text = ''
  let gone = false
  socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  socket.on('error', () => (gone = true))
  socket.on('close', () => (gone = true))
  socket.write(head)
  const wait = async (what: string, done: () => boolean): Promise<void> => {
    const until = Date.now() + waitMsMax
    while (!done()) {
      if (Date.now() > until) throw new Error(`waited ${waitMsMax} ms for ${what}; so far: ${text}`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  return {
    text: () => text,
    send: (more) => void socket.write(more),
    until: (part) => wait(part, () => text.includes(part)),
    closed: () => wait('the end of the connection', () => gone),
    cut: () => void socket.destroy(),
  }
}

/** The body of a raw answer, chunks joined. */
export function bodyOf(text: string): string {
  const body = text.slice(text.indexOf('\r\n\r\n') + 4)
  if (!/transfer-encoding: chunked/i.test(text)) return body
  return [...body.matchAll(/^[0-9a-f]+\r\n([\s\S]*?)\r\n(?=[0-9a-f]+\r\n)/gm)].map(([, chunk]) => chunk).join('')
}

/** Long enough for anything that was going to leave early to have left. */
export const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 25))
