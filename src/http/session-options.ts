/** The options of `createSessions`, checked once, at start. */
import type { Merge } from '../core/change.ts'
import { durationMs, type Duration } from '../core/duration.ts'
import type { Listener } from '../core/events.ts'
import type { Secret } from '../core/keys.ts'
import type { LifetimeOptions } from '../core/lifetime.ts'
import type { Values } from '../core/schema.ts'
import type { StandardSchemaV1 } from '../core/standard-schema.ts'
import type { Clock, Random, SessionStore, Timers } from '../core/types.ts'
import type { MaxPerUser } from '../core/users.ts'
import type { CookieOptions } from './cookie.ts'
import type { CsrfOptions } from './csrf.ts'
import type { MoveIn } from './move-in.ts'
import { invalid, ownOptions } from './options.ts'

/** What one session may hold. */
export interface Limits {
  /** Bytes of the whole body at rest. Default 65,536. */
  readonly bytesMax?: number
  /** Nesting of one value. Default 32. */
  readonly depthMax?: number
  /** Keys of the session. Default 1,000. */
  readonly keysMax?: number
  /** Objects, elements and members in one value. Default 20,000. */
  readonly nodesMax?: number
}

/** Options that may differ from one named session to the next. */
export interface SessionOptions<Data extends object = Record<string, unknown>> {
  /** Where rows are kept. Needed unless `carrier` is `'sealed'`. */
  readonly store?: SessionStore
  /**
   * `'stored'` (default): a ticket in the cookie, the data in the store; every guarantee holds. `'sealed'`: the data itself, encrypted,
   * in the cookie; needs `irrevocable: true`. `'spill'`: sealed while small and anonymous, stored from then on.
   */
  readonly carrier?: 'stored' | 'sealed' | 'spill'
  /** To be written beside `carrier: 'sealed'`: nobody can end such a session, and of two parallel responses the last wins. */
  readonly irrevocable?: true
  /** With `'spill'`: how long a sealed copy is believed without asking the store, and so how long a replayed one may work. Default 0. */
  readonly trust?: Duration
  /** To be written with a store that has no compare-and-swap: parallel requests overwrite each other on it. */
  readonly unsafeLastWriteWins?: true
  /** Timeouts. Default idle 1 h, absolute 24 h, cookie until the browser closes. */
  readonly lifetime?: LifetimeOptions
  /** Cookie attributes. Default `__Host-session; Path=/; Secure; HttpOnly; SameSite=Lax`. */
  readonly cookie?: CookieOptions
  /** `'cookie'` (default), or a request and response header of this name, for clients without a cookie jar. */
  readonly transport?: 'cookie' | { readonly header: string }
  /** Unsafe requests from other sites get no session (default). `'unsafe-off'` lets them. */
  readonly csrf?: CsrfOptions | 'unsafe-off'
  /** Any Standard Schema for the object of all values; types the session and is checked before every write. */
  readonly schema?: StandardSchemaV1<unknown, Data>
  /** Raise it when `schema` changes so that stored data needs `migrate`. Default 0. */
  readonly schemaVersion?: number
  /** Brings values stored under an older `schemaVersion` up to date. */
  readonly migrate?: (values: Values, fromVersion: number) => Values | Promise<Values>
  /** Who wins when two requests `set` the same key: `'mine'` (default: the later commit, with an event), `'throw'`, or a merge function. */
  readonly onConflict?: 'mine' | 'throw' | Merge
  /** How many sessions one user may have. Default: no limit. */
  readonly maxPerUser?: MaxPerUser
  readonly limits?: Limits
  /** Readers of the cookies of systems you are leaving (`coatcheck/migrate/…`): who arrives with one stays signed in. */
  readonly moveIn?: readonly MoveIn[]
}

/** Options of {@link createSessions}. */
export interface SessionsOptions<Data extends object = Record<string, unknown>> extends SessionOptions<Data> {
  /** 32 or more random bytes (or text of them); an array, newest first, while one is being replaced. */
  readonly secret: Secret | readonly Secret[]
  /**
   * Several sessions in one application, by name: `getSession(req, 'prefs')`. Each is a store, or options that override the others.
   * Those that share a store share its index of users: `list`, `revokeUser` and `maxPerUser` mean the sessions of all of them.
   */
  readonly stores?: { readonly [name: string]: SessionStore | SessionOptions }
  /** Keeps the tokens of two applications apart that share a secret. Default `''`. */
  readonly app?: string
  /** How long a store call may take. Default `'2s'`. */
  readonly storeDeadline?: Duration
  /** How many store calls may wait at once; more get `store_overloaded`. Default 10,000. */
  readonly storeCallsMax?: number
  /** When the store fails at reading: `'fail'` (default) rejects; `'read-empty'` opens an empty session in which every edit rejects. */
  readonly storeDown?: 'fail' | 'read-empty'
  /** Told of everything worth a log line or a metric. */
  readonly onEvent?: Listener
  readonly clock?: Clock
  readonly random?: Random
  readonly timers?: Timers
}

const sessionKeys = [
  'store',
  'carrier',
  'irrevocable',
  'trust',
  'unsafeLastWriteWins',
  'lifetime',
  'cookie',
  'transport',
  'csrf',
  'schema',
  'schemaVersion',
  'migrate',
  'onConflict',
  'maxPerUser',
  'limits',
  'moveIn',
] as const satisfies readonly (keyof SessionOptions)[]

const topKeys = [
  ...sessionKeys,
  ...(['secret', 'stores', 'app', 'storeDeadline', 'storeCallsMax', 'storeDown', 'onEvent', 'clock', 'random', 'timers'] as const),
] as const satisfies readonly (keyof SessionsOptions)[]

/** The named sessions of an application, each with its full options. Throws `config_invalid`. */
export function namedOptions<Data extends object>(options: SessionsOptions<Data>): [string, SessionsOptions][] {
  const top = ownOptions('createSessions', options as unknown as SessionsOptions, topKeys)
  const { stores } = top
  if (stores === undefined) return [['session', top]]
  if (typeof stores !== 'object' || stores === null) throw invalid('`stores` must be an object of stores, or of options, by name')
  if (top.store !== undefined) throw invalid('pass either `store` or `stores`, not both')
  if (Object.keys(stores).length === 0) throw invalid('`stores` is empty; name at least one store, or pass `store`')
  return Object.entries(stores).map(([name, one]) => {
    const own = isStore(one) ? { store: one } : ownOptions(`stores.${name}`, one, sessionKeys)
    return [name, { __proto__: null, ...top, ...own } as SessionsOptions]
  })
}

const functions = ['onEvent', 'clock', 'random', 'migrate'] as const

/** Refuses options of one session that contradict each other; what concerns a single part, the part checks itself. */
export function checkOptions(options: SessionsOptions): void {
  const { carrier = 'stored', store, onConflict = 'mine', storeDown = 'fail' } = options
  const wrong = !['stored', 'sealed', 'spill'].includes(carrier)
    ? "carrier must be 'stored', 'sealed' or 'spill'"
    : store !== undefined && !isStore(store)
      ? 'store is not a session store; pass for example sqliteStore({ file }) or memoryStore()'
      : typeof onConflict !== 'function' && onConflict !== 'mine' && onConflict !== 'throw'
        ? "onConflict must be 'mine', 'throw' or a function"
        : storeDown !== 'fail' && storeDown !== 'read-empty'
          ? "storeDown must be 'fail' or 'read-empty'"
          : (wrongCarrier(carrier, store, options) ??
            wrongKind(options) ??
            wrongMax(store, options.maxPerUser) ??
            wrongMoveIn(store, options.moveIn))
  if (wrong !== null) throw invalid(wrong)
}

function wrongKind(options: SessionsOptions): string | null {
  const { app, timers, trust, carrier, migrate, schemaVersion } = options
  const uncallable = functions.find((name) => options[name] !== undefined && typeof options[name] !== 'function')
  if (uncallable !== undefined) return `${uncallable} must be a function`
  if (app !== undefined && typeof app !== 'string') return "app must be text that names the application, such as 'shop'"
  if (timers !== undefined && (typeof timers?.set !== 'function' || typeof timers.clear !== 'function'))
    return 'timers must be { set(run, delayMs), clear(timer) }'
  if (trust !== undefined && carrier !== 'spill') return "trust goes with carrier 'spill' only, where a sealed copy is believed; drop it"
  return migrate !== undefined && !schemaVersion ? 'migrate is never called while schemaVersion is 0; raise it, or drop migrate' : null
}

function wrongCarrier(
  carrier: string,
  store: SessionStore | undefined,
  { irrevocable, unsafeLastWriteWins }: SessionsOptions,
): string | null {
  if (carrier === 'sealed') {
    if (store !== undefined)
      return "carrier 'sealed' keeps everything in the cookie and uses no store; drop `store`, or write carrier: 'spill'"
    return irrevocable === true
      ? null
      : "a sealed session cannot be revoked by anybody; write `irrevocable: true` beside carrier: 'sealed', or pass a store"
  }
  if (store === undefined)
    return "`store` is missing; write for example store: sqliteStore({ file: 'sessions.db' }), or carrier: 'sealed' with irrevocable: true"
  if (irrevocable !== undefined) return `irrevocable goes with carrier 'sealed' only; drop it, carrier '${carrier}' can be revoked`
  const { compareAndSwap, mayEvict } = store.guarantees
  if (!compareAndSwap && unsafeLastWriteWins !== true) {
    return 'this store has no compare-and-swap: parallel requests overwrite each other on it; choose another, or write unsafeLastWriteWins: true'
  }
  if (carrier === 'spill' && (mayEvict || !compareAndSwap)) {
    return "carrier 'spill' keeps tombstones in its store, and this store may drop them; use one that does not evict, such as sqliteStore"
  }
  return null
}

function wrongMax(store: SessionStore | undefined, maxPerUser: MaxPerUser | undefined): string | null {
  if (maxPerUser === undefined) return null
  if (store?.guarantees.userIndex !== true) return 'maxPerUser needs a store with a user index (idsOf)'
  const { max, whenFull } = ownOptions('maxPerUser', maxPerUser, ['max', 'whenFull'])
  const right = Number.isSafeInteger(max) && max > 0 && (whenFull === 'end-oldest' || whenFull === 'refuse')
  return right ? null : "maxPerUser must be { max: a whole number from 1, whenFull: 'end-oldest' or 'refuse' }"
}

function wrongMoveIn(store: SessionStore | undefined, moveIn: unknown): string | null {
  if (moveIn === undefined) return null
  if (!Array.isArray(moveIn) || !moveIn.every(isReader)) return 'moveIn must be an array of readers, such as [fromExpressSession({ … })]'
  if (store === undefined) return "moveIn needs a store, or an old cookie could be moved again and again; use carrier 'stored' or 'spill'"
  const names = moveIn.flatMap(({ cookieName, otherNames = [] }) => [cookieName, ...otherNames])
  const twice = names.find((name, i) => names.indexOf(name) < i)
  return twice === undefined ? null : `two readers of moveIn read the cookie "${twice}"; each cookie is read by exactly one`
}

function isReader(value: unknown): value is MoveIn {
  return typeof value === 'object' && value !== null && typeof (value as Partial<MoveIn>).verify === 'function'
}

/** Resolves `limits`. Throws `config_invalid`. */
export function resolveLimits(limits: Limits = {}): Required<Limits> {
  const own = ownOptions('limits', limits, ['bytesMax', 'depthMax', 'keysMax', 'nodesMax'])
  const { bytesMax = 65_536, depthMax = 32, keysMax = 1_000, nodesMax = 20_000 } = own
  for (const [name, value] of Object.entries({ bytesMax, depthMax, keysMax, nodesMax })) {
    if (!Number.isSafeInteger(value) || value < 1) throw invalid(`limits.${name} must be a whole number from 1`)
  }
  if (depthMax > 1_000) throw invalid('limits.depthMax over 1,000 would overflow the stack of whoever reads the session; nest less')
  return { bytesMax, depthMax, keysMax, nodesMax }
}

/** Milliseconds somebody may be kept waiting. Throws `config_invalid`. */
export function waitMs(option: string, value: Duration): number {
  const ms = durationMs(option, value)
  if (ms === 0 || ms > 3_600_000) throw invalid(`${option} must be longer than nothing and at most an hour; write a few seconds`)
  return ms
}

function isStore(value: unknown): value is SessionStore {
  if (typeof value !== 'object' || value === null) return false
  const { get, put, delete: remove, guarantees } = value as Partial<SessionStore>
  return (
    typeof get === 'function' &&
    typeof put === 'function' &&
    typeof remove === 'function' &&
    typeof guarantees === 'object' &&
    guarantees !== null
  )
}
