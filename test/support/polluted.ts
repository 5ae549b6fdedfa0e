/** Run as a program: plays a whole life of sessions in a process whose Object.prototype somebody has polluted. Prints what it saw. */
import { assertNoPoisoning } from '@fast-check/poisoning'

const names = [
  'get',
  'set',
  'ttl',
  'secret',
  'secure',
  'path',
  'domain',
  'role',
  'keep',
  'grace',
  'except',
  'store',
  'carrier',
  'irrevocable',
  'httpOnly',
  'sameSite',
]
const inside = [
  'previous',
  'signedIn',
  'flashes',
  'until',
  'schema',
  'keys',
  'csrf',
  'lifetime',
  'idle',
  'persistent',
  'limits',
  'maxPerUser',
  'onConflict',
  'schemaVersion',
  'storeDown',
]
const functions = ['clock', 'random', 'onEvent', 'migrate']

/** What each name is polluted with: something that would be believed if it were looked at. */
const plausible: Record<string, unknown> = {
  ttl: 0,
  secret: 'polluted secret of more than thirty-two bytes',
  secure: false,
  path: '/polluted',
  domain: 'polluted.test',
  keep: false,
  grace: 0,
  except: 'nobody',
  carrier: 'sealed',
  irrevocable: true,
  sameSite: 'none',
  previous: ['A'.repeat(43), 9e15, false],
  signedIn: 1,
  flashes: [['polluted', 'polluted']],
  until: [['a', 1]],
  schema: 7,
  idle: 1,
  persistent: true,
  limits: { bytesMax: 1 },
  lifetime: { idle: 1, touchEvery: 0 },
  maxPerUser: { max: 1, whenFull: 'refuse' },
  onConflict: 'throw',
  schemaVersion: 9,
  storeDown: 'read-empty',
  csrf: 'unsafe-off',
  clock: () => 1,
  random: (size: number) => new Uint8Array(size),
  onEvent: () => {
    throw new Error('polluted')
  },
  migrate: () => ({ polluted: true }),
}

const wanted = (process.argv[2] ?? '').split(',').filter(Boolean)
const polluted = wanted[0] === 'all' ? [...new Set([...names, ...inside, ...functions])] : wanted

const { createSessions } = await import('../../src/index.ts')
const { memoryStore } = await import('../../src/stores/memory.ts')
const { Visitor } = await import('./visitor.ts')
const secret = 'a test secret of more than 32 bytes: 0123456789'

const everything = Object.getPrototypeOf({}) as object
for (const name of polluted) {
  const value = plausible[name] ?? 'polluted'
  Reflect.defineProperty(
    everything,
    name,
    Object.assign(Object.create(null), { value, writable: true, configurable: true, enumerable: true }),
  )
}

async function life(): Promise<unknown> {
  const seen: unknown[] = []
  const sessions = createSessions({ secret, store: memoryStore() })
  const [visitor, other] = [new Visitor(sessions), new Visitor(sessions)]
  const first = await visitor.visit((session) => session.set('a', 1).set('nested', { b: 1 }))
  seen.push(first.outgoing.outcome, first.outgoing.setCookies[0]?.replace(/=[^;]*/, ''))
  seen.push(
    (await visitor.visit(async (session) => [session.get('a'), session.user, session.signedInAt, session.isNew, await session.flashes()]))
      .result,
  )
  const signIn = await visitor.visit((session) => session.signIn('ada', {}))
  seen.push(signIn.outgoing.outcome, (await visitor.visit((session) => [session.user, session.toJSON()])).result)
  const stale = visitor.clone()
  await visitor.visit((session) => session.rotate({}))
  seen.push((await stale.visit((session) => session.get('a'))).result)
  await other.visit((session) => session.signIn('ada'))
  // An id that exists, so that a polluted `except` would spare somebody.
  if (polluted.includes('except')) Reflect.set(everything, 'except', (await visitor.visit((session) => session.id)).result)
  seen.push((await sessions.list('ada')).length, (await sessions.peek({ cookie: visitor.cookie }))?.get('a'))
  seen.push(
    (await sessions.peek({ headers: { cookie: visitor.cookie } }))?.get('a'),
    await sessions.revokeUser('ada'),
    (await sessions.list('ada')).length,
  )
  const sealed = createSessions({ secret, carrier: 'sealed', irrevocable: true })
  const carrier = new Visitor(sealed)
  await carrier.visit((session) => session.set('a', new Map([['b', new Date(0)]])))
  seen.push((await carrier.visit((session) => session.get('a') instanceof Map)).result)
  const named = createSessions({ secret, stores: { auth: memoryStore(), prefs: { carrier: 'sealed', irrevocable: true } } })
  const guest = new Visitor(named)
  for (const name of ['auth', 'prefs'])
    seen.push((await guest.visit((session) => session.set('a', 1).size, { name })).outgoing.setCookies[0]?.replace(/=[^;]*/, ''))
  await Promise.all([sessions.close(), sealed.close(), named.close()])
  return seen
}

function missing(): string {
  try {
    createSessions({ store: memoryStore() } as never)
    return 'accepted'
  } catch (error) {
    return (error as { code: string }).code
  }
}

const seen = [await life(), missing()]
for (const name of polluted) Reflect.deleteProperty(everything, name)
// Node itself puts undici's dispatchers there when fetch is looked at.
assertNoPoisoning({ ignoredRootRegex: /undici/ })
console.log(JSON.stringify(seen))
