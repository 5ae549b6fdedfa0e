import { denoKvLacks, denoKvRowBytesMax } from '../deno/gaps.ts'
import { remoteStore } from '../hosts/remote.ts'
import type { StoreProfile } from '../profile.ts'

export const denoKv: StoreProfile = {
  name: 'deno-kv',
  servers: ['deno'],
  breaks: false,
  async open([url = '']) {
    const { store } = await remoteStore(url, 'deno-kv')
    return { store, close: async () => {} }
  },
  lacks: denoKvLacks,
  rowBytesMax: denoKvRowBytesMax,
  words: {
    limits: '64 KiB a session, which is less than the default of `limits.bytesMax` by what serialising adds',
    eviction: 'none; expired rows go by themselves, at some time after they expire',
    restart: 'everything is there, but for `Deno.openKv(":memory:")`',
    failover: 'a file: none. Deno Deploy: an acknowledged write is kept',
  },
}
