/** What verifying and reading a webapp2 cookie costs: node bench/webapp2-cookie.ts. The aim is 10 µs. */
import { readWebapp2Cookie, writeWebapp2Cookie } from '../src/migrate/webapp2.ts'

const options = { secretKey: 'my-super-secret-key', name: 'session', maxAge: 3_600 }
const sid = `session=${writeWebapp2Cookie({ _sid: 'AbcdefghijklmnopqrstuV' }, options)}`
const user = { id: 5_629_499_534_213_120, name: 'Josef Josefsson', roles: ['user', 'editor'] }
const kilobyte = `session=${writeWebapp2Cookie({ user, csrf: 'x'.repeat(32), cart: Array.from({ length: 12 }, (_, n) => ({ sku: `A${n}`, price: 9.99, qty: 1 })) }, options)}`
const forged = `${sid.slice(0, -1)}${sid.endsWith('0') ? '1' : '0'}`

/** CPU time of one call, in µs: the best of some rounds. */
function costOf(header: string): number {
  const calls = 20_000
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 8; round++) {
    const before = process.cpuUsage()
    for (let call = 0; call < calls; call++) readWebapp2Cookie(header, options)
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / calls)
  }
  return best
}

for (const [what, header] of Object.entries({
  'a sid': sid,
  'a session of 1 KB': kilobyte,
  'a sid, forged': forged,
  'no such cookie': 'a=b; c=d',
})) {
  console.log(`${what.padEnd(18)} ${String(header.length).padStart(5)} bytes ${costOf(header).toFixed(1).padStart(6)} µs`)
}
