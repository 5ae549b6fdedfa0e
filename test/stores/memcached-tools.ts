import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Row, SessionStore } from '../../src/index.ts'

export const hourMs = 3_600_000

export function newId(): string {
  return randomBytes(18).toString('base64url')
}

export function row(columns: Partial<Row> = {}): Row {
  return { id: newId(), body: '{"n":1}', user: null, expiresAt: Date.now() + hourMs, ...columns }
}

/** How long until a read is answered. */
export async function msUntilAnswered(store: SessionStore, id: string): Promise<number> {
  const began = performance.now()
  while (performance.now() - began < 5_000) {
    const answered = await store.get(id).then(
      () => true,
      () => false,
    )
    if (answered) return performance.now() - began
    await sleep(10)
  }
  return Number.POSITIVE_INFINITY
}

/** Says something to a memcached server by hand, and answers what it said. */
export function say(url: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let said = ''
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('data', (bytes) => {
      said += bytes.toString('latin1')
      if (!said.endsWith('MN\r\n')) return
      socket.destroy()
      resolve(said.slice(0, -4))
    })
    socket.write(Buffer.from(`${text}mn\r\n`, 'latin1'))
  })
}

export async function statOf(url: string, name: string, of = ''): Promise<string> {
  return new RegExp(`^STAT ${name} (.*)\r$`, 'm').exec(await say(url, `stats${of === '' ? '' : ` ${of}`}\r\n`))?.[1] ?? ''
}
