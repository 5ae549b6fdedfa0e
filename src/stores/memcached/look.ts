/** Whether a server is fit to keep sessions; throws {@link Unfit} where it is not. */
import { Unfit } from './failures.ts'
import { statistics, store } from './questions.ts'
import type { Server } from './server.ts'

const oldest = [1, 6, 10]
const clockOffMsMax = 12 * 60 * 60 * 1_000

export async function look(server: Server, itemBytesMax: number, probeKey: string): Promise<void> {
  const [general, settings, probe] = await Promise.all([
    server.ask((connection) => connection.ask(statistics(null))),
    server.ask((connection) => connection.ask(statistics('settings'))),
    server.ask((connection) => connection.ask(store(probeKey, Buffer.alloc(0), 1, '1'))),
  ])
  const version = general.get('version') ?? ''
  if (isOlder(version)) throw new Unfit(`is memcached ${version}; ${oldest.join('.')} or newer is needed`)
  if (probe.stored === 'yes') throw new Unfit('ignores compare-and-swap, so updates would be lost; use memcached itself')
  const bytesMax = Number(settings.get('item_size_max') ?? itemBytesMax)
  if (bytesMax < itemBytesMax) {
    throw new Unfit(
      `takes items of ${bytesMax} bytes and would throw a session away that outgrows them; write itemBytesMax: ${bytesMax}, or start it with -I ${itemBytesMax}`,
    )
  }
  const offMs = Math.abs(Number(general.get('time') ?? Number.NaN) * 1_000 - Date.now())
  if (offMs > clockOffMsMax)
    throw new Unfit(`has a clock that is ${Math.round(offMs / 3_600_000)} hours off; sessions of over 30 days would end early`)
}

/** `false` for what cannot be read as a version: the handshake has shown what it can do. */
function isOlder(version: string): boolean {
  const parts =
    /^(\d+)\.(\d+)(?:\.(\d+))?/
      .exec(version)
      ?.slice(1)
      .map((part) => Number(part ?? 0)) ?? []
  const different = oldest.findIndex((part, n) => parts[n] !== undefined && parts[n] !== part)
  return different !== -1 && (parts[different] ?? 0) < (oldest[different] ?? 0)
}
