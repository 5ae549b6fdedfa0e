import { describe, expect, it } from 'vitest'
import { createSessions, type SessionStore } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { secret } from '../support/backends.ts'

const store = memoryStore()
const durable = { ...store, guarantees: { ...store.guarantees, mayEvict: false } }
const blind = { ...store, guarantees: { ...store.guarantees, compareAndSwap: false } }
const unindexed: SessionStore = {
  get: store.get,
  put: store.put,
  delete: store.delete,
  guarantees: { ...store.guarantees, userIndex: false },
}
const spill = { store: durable, carrier: 'spill' }
const sealed = { store: undefined, carrier: 'sealed', irrevocable: true }
const long = '0123456789'.repeat(4)

/** What is written, and what the error says about it. */
const wrong: readonly (readonly [object, RegExp])[] = [
  // Options nobody has.
  [{ sercet: secret }, /`createSessions\.sercet` is no option; write one of store/],
  [{ maxAge: 1 }, /maxAge` is no option/],
  [{ cookie: { httpOnly: false } }, /`cookie\.httpOnly` is no option; write one of name/],
  [{ cookie: { maxAge: 1 } }, /`cookie\.maxAge` is no option/],
  [{ csrf: { origins: [] } }, /`csrf\.origins` is no option; write one of origin/],
  [{ limits: { bytes: 1 } }, /`limits\.bytes` is no option; write one of bytesMax/],
  [{ lifetime: { idel: '1h' } }, /`lifetime\.idel` is no option; write one of idle/],
  [{ transport: { header: 'x-session', cookie: true } }, /`transport\.cookie` is no option; write one of header/],
  [{ maxPerUser: { max: 1, whenFull: 'refuse', per: 'day' } }, /`maxPerUser\.per` is no option/],
  [{ store: undefined, stores: { a: { store, secret } } }, /`stores\.a\.secret` is no option/],
  // Secrets.
  [{ secret: undefined }, /`secret` is missing; pass 32 or more random bytes/],
  [{ secret: '' }, /`secret` is missing/],
  [{ secret: null }, /`secret` is missing/],
  [{ secret: [] }, /`secret` is missing/],
  [{ secret: ['', long] }, /`secret` is missing/],
  [{ secret: 'short' }, /`secret` is 5 bytes long and must have 32 or more; make one with: node -p/],
  [{ secret: [long, 'x'.repeat(31)] }, /is 31 bytes long/],
  [{ secret: new Uint8Array(16) }, /is 16 bytes long/],
  [{ secret: 'a'.repeat(64) }, /`secret` repeats itself; use random bytes/],
  [{ secret: new Uint8Array(32) }, /repeats itself/],
  [{ secret: 1_234_567_890 }, /`secret` must be a string or bytes/],
  [{ secret: [[long]] }, /`secret` must be a string or bytes/],
  [{ secret: [long, long] }, /the same secret is in `secret` twice/],
  [{ app: 7 }, /app must be text/],
  // Where sessions live.
  [{ store: undefined }, /`store` is missing; write for example store: sqliteStore/],
  [{ store: {} }, /store is not a session store; pass for example/],
  [{ store: 'redis://localhost' }, /store is not a session store/],
  [{ store: { ...store, guarantees: null } }, /store is not a session store/],
  [{ store: blind }, /no compare-and-swap.*write unsafeLastWriteWins: true/],
  [{ stores: { a: store } }, /pass either `store` or `stores`, not both/],
  [{ store: undefined, stores: {} }, /`stores` is empty; name at least one/],
  [{ store: undefined, stores: null }, /`stores` must be an object/],
  [
    { store: undefined, stores: { a: store, b: { store, cookie: { name: '__Host-a' } } } },
    /two named sessions share the cookie "__Host-a"/,
  ],
  [{ store: undefined, stores: { 'a b': store } }, /`cookie\.name` is no token/],
  [{ carrier: 'cookie' }, /carrier must be 'stored', 'sealed' or 'spill'/],
  [{ carrier: 'sealed', irrevocable: true }, /carrier 'sealed' keeps everything in the cookie and uses no store; drop `store`/],
  [{ ...sealed, irrevocable: undefined }, /a sealed session cannot be revoked by anybody; write `irrevocable: true`/],
  [{ ...sealed, irrevocable: 'yes' }, /write `irrevocable: true`/],
  [{ irrevocable: true }, /irrevocable goes with carrier 'sealed' only; drop it/],
  [{ ...spill, irrevocable: true }, /irrevocable goes with carrier 'sealed' only/],
  [{ ...spill, store }, /carrier 'spill' keeps tombstones in its store, and this store may drop them/],
  [{ trust: '1m' }, /trust goes with carrier 'spill' only/],
  [{ ...spill, trust: 'a while' }, /trust is not a duration/],
  [{ ...sealed, lifetime: { absolute: '31d' } }, /over 30 days.*write at most 30d/],
  [{ ...spill, lifetime: { absolute: '31d' } }, /over 30 days/],
  [{ ...sealed, maxPerUser: { max: 1, whenFull: 'refuse' } }, /maxPerUser needs a store with a user index/],
  [{ store: unindexed, maxPerUser: { max: 1, whenFull: 'refuse' } }, /maxPerUser needs a store with a user index/],
  // Numbers and times.
  [{ lifetime: '1h' }, /`lifetime` must be an object with any of idle/],
  [{ lifetime: { idle: 'soon' } }, /lifetime\.idle is not a duration; write milliseconds or a string such as '30s'/],
  [{ lifetime: { idle: -1 } }, /lifetime\.idle is not a duration/],
  [{ lifetime: { absolute: Number.NaN } }, /lifetime\.absolute is not a duration/],
  [{ lifetime: { absolute: Number.POSITIVE_INFINITY } }, /lifetime\.absolute is not a duration/],
  [{ lifetime: { idle: 0 } }, /must be longer than nothing; to end a session, call destroy/],
  [{ lifetime: { absolute: '0s' } }, /must be longer than nothing/],
  [{ lifetime: { idle: '2h', absolute: '1h' } }, /lifetime\.idle is longer than lifetime\.absolute.*write at most 3600000 ms/],
  [{ lifetime: { absolute: '401d' } }, /over 400 days.*write at most 400d/],
  [{ lifetime: { absolute: 1e15 } }, /over 400 days/],
  [{ lifetime: { idle: '1m', touchEvery: '1m' } }, /lifetime\.touchEvery is not shorter than lifetime\.idle/],
  [{ lifetime: { persistent: 'yes' } }, /lifetime\.persistent must be true or false/],
  [{ storeDeadline: 0 }, /storeDeadline must be longer than nothing/],
  [{ storeDeadline: '25d' }, /at most an hour; write a few seconds/],
  [{ storeDeadline: '2 seconds' }, /storeDeadline is not a duration/],
  [{ storeCallsMax: 0 }, /storeCallsMax must be a whole number from 1/],
  [{ storeCallsMax: Number.POSITIVE_INFINITY }, /storeCallsMax must be a whole number/],
  [{ storeDown: 'anonymous' }, /storeDown must be 'fail' or 'read-empty'/],
  [{ limits: { bytesMax: 0 } }, /limits\.bytesMax must be a whole number from 1/],
  [{ limits: { keysMax: 1.5 } }, /limits\.keysMax must be a whole number/],
  [{ limits: { nodesMax: '9' } }, /limits\.nodesMax must be a whole number/],
  [{ limits: { depthMax: 1_001 } }, /limits\.depthMax over 1,000 would overflow the stack/],
  [{ maxPerUser: { max: 0, whenFull: 'refuse' } }, /maxPerUser must be \{ max: a whole number from 1/],
  [{ maxPerUser: { max: 1 } }, /whenFull: 'end-oldest' or 'refuse'/],
  [{ maxPerUser: 3 }, /`maxPerUser` must be an object|maxPerUser must be/],
  // Cookies and headers.
  [{ cookie: { name: '__Host-a', path: '/shop' } }, /__Host-.*no path but \//],
  [{ cookie: { name: '__Host-a', domain: 'example.test' } }, /__Host-, which allows no domain/],
  [{ cookie: { name: '__host-a' } }, /begins with __host-.*write __Host-/],
  [{ cookie: { name: '__Secure-a', secure: false } }, /needs https/],
  [{ cookie: { sameSite: 'none', secure: false } }, /sameSite: 'none'` needs https/],
  [{ cookie: { partitioned: true, secure: false } }, /partitioned` needs https/],
  [{ cookie: { sameSite: 'Lax' } }, /sameSite` must be 'lax', 'strict' or 'none'/],
  [{ cookie: { name: '' } }, /`cookie\.name` is no token/],
  [{ cookie: 'session' }, /`cookie` must be an object/],
  [{ transport: { header: 'cookie' } }, /means something else; write a name of your own/],
  [{ transport: {} }, /is no header name/],
  [{ transport: null }, /`transport` must be an object/],
  [{ transport: 'header' }, /`transport` must be an object/],
  [{ csrf: { origin: 'example.test' } }, /takes whole origins/],
  [{ csrf: { trustedOrigins: ['*'] } }, /takes whole origins, without wildcards/],
  [{ csrf: { origin: [] } }, /`csrf\.origin` is empty/],
  [{ csrf: 'off' }, /`csrf` must be an object/],
  // Functions.
  [{ onConflict: 'theirs' }, /onConflict must be 'mine', 'throw' or a function/],
  [{ onEvent: 'console' }, /onEvent must be a function/],
  [{ clock: 5 }, /clock must be a function/],
  [{ random: 'secure' }, /random must be a function/],
  [{ timers: {} }, /timers must be \{ set\(run, delayMs\), clear\(timer\) \}/],
  [{ schema: {} }, /schema is not a Standard Schema; pass a zod/],
  [{ schemaVersion: -1 }, /schemaVersion must be a whole number from 0/],
  [{ schemaVersion: '2' }, /schemaVersion must be a whole number/],
  [{ migrate: 'yes', schemaVersion: 1 }, /migrate must be a function/],
  [{ migrate: (values: unknown) => values }, /migrate is never called while schemaVersion is 0; raise it/],
]

describe('options that are wrong or contradict each other', () => {
  it.each(wrong)('C-03 C-09 C-10 C-12 T-07 L-04 fail at start: %j', (options, sentence) => {
    const make = (): unknown => createSessions({ secret, store, ...options } as never)
    expect(make).toThrowError(expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(sentence) }))
  })

  it.each([undefined, null, 5, 'secret'])('nor are these options: %s', (options) => {
    expect(() => createSessions(options as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
  })
})

const right: readonly object[] = [
  {},
  { secret: [long, secret], app: 'shop' },
  { lifetime: { absolute: '400d', persistent: true } },
  { lifetime: { idle: '1h', absolute: '1h', touchEvery: 0 } },
  { lifetime: { absolute: '10m' } },
  { ...spill, trust: '30s', lifetime: { absolute: '30d' } },
  { ...sealed, lifetime: { absolute: '30d' } },
  { store: blind, unsafeLastWriteWins: true },
  { maxPerUser: { max: 1, whenFull: 'end-oldest' } },
  { storeDeadline: '1h', storeCallsMax: 1, storeDown: 'read-empty' },
  { transport: { header: 'x-session' }, csrf: 'unsafe-off' },
  { limits: { bytesMax: 1, depthMax: 1, keysMax: 1, nodesMax: 1 } },
]

it.each(right)('C-12 and these are accepted: %j', async (options) => {
  await createSessions({ secret, store, ...options } as never).close()
})
