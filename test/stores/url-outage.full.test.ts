import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startNats } from '../../scripts/servers/nats.ts'
import { storeFromUrl } from '../../src/stores/url.ts'
import { faultProxy } from '../support/fault-proxy.ts'
import { warmed } from '../support/google.ts'
import { describeWith, sharedServer } from '../support/server.ts'

/** Ten times two seconds, and a little: after that @nats-io gives its connection up, unless it is told otherwise. */
const outageMs = 25_000

describeWith(['nats'], 'F-01 nats by its address, away for longer than its client waits by itself', () => {
  test('is back a second after its server', async () => {
    const server = await startNats()
    const store = await storeFromUrl(server.url.replace(/\?.*/, '/outage'))
    try {
      await store.ready?.()
      await server.kill('SIGKILL')
      await sleep(outageMs)
      await server.restart()
      await sleep(1_000)
      expect(await store.get('A'.repeat(24))).toBeNull()
    } finally {
      await store.close?.()
      await server.stop()
    }
  })
})

describeWith(['firestore'], 'F-01 firestore by its address, away for so long that gRPC hardly looks any more', () => {
  test('is back a few seconds after its server', async () => {
    const url = await sharedServer('firestore')
    const { port, host } = new URL(url)
    const proxy = await faultProxy(Number(port))
    const store = await storeFromUrl(url.replace(host, `127.0.0.1:${proxy.port}`))
    const answered = (): Promise<boolean> =>
      store.get('A'.repeat(24)).then(
        () => true,
        () => false,
      )
    try {
      await warmed(url, async () => store.ready?.())
      proxy.set({ kind: 'reset' })
      const untilMs = performance.now() + 60_000
      while (performance.now() < untilMs) await Promise.race([answered(), sleep(2_000)])
      proxy.set(null)
      const backAtMs = performance.now()
      while (!(await Promise.race([answered(), sleep(1_000, false)]))) expect(performance.now() - backAtMs).toBeLessThan(6_000)
    } finally {
      // What is still being tried again ends first: Firestore's client throws it at nobody when it is closed before.
      await sleep(8_000)
      await store.close?.()
      await proxy.close()
    }
  })
})
