/** One named session of an application: everything that is derived once, at start. */
import type { Terms } from '../core/change.ts'
import { createCsrfTokens, type CsrfTokens } from '../core/csrf-token.ts'
import { CoatcheckError } from '../core/errors.ts'
import { guarded, type Listener } from '../core/events.ts'
import { Guard } from '../core/guard.ts'
import type { Keeper, KeeperConfig } from '../core/keeper.ts'
import { createRing } from '../core/keys.ts'
import { resolveLifetime, type Lifetime } from '../core/lifetime.ts'
import { createSchemaCheck } from '../core/schema.ts'
import { createSeals } from '../core/seal.ts'
import { SealedKeeper } from '../core/sealed.ts'
import { entombing, SpillKeeper } from '../core/spill.ts'
import { StoredKeeper } from '../core/stored.ts'
import { createTickets } from '../core/ticket.ts'
import type { SessionStore, Timers } from '../core/types.ts'
import { durationMs } from '../core/duration.ts'
import { Users } from '../core/users.ts'
import { createCsrf, type CsrfJudge } from './csrf.ts'
import { MovedRows } from './moved-rows.ts'
import { Moving } from './moving.ts'
import { ownOptions } from './options.ts'
import { checkOptions, resolveLimits, waitMs, type SessionsOptions } from './session-options.ts'
import { SideBySide } from './side-by-side.ts'
import { Ties, type Twin } from './ties.ts'
import { cookieTransport, headerTransport, type Transport } from './transport.ts'
import type { Outgoing } from './types.ts'

export interface Room {
  readonly config: KeeperConfig
  readonly keeper: Keeper
  readonly transport: Transport
  /** What a response needs when its session was only read. */
  readonly read: Outgoing
  /** Judges requests to which a browser attached the token by itself; `null` when there is nothing to judge. */
  readonly csrf: CsrfJudge | null
  /** The same for old cookies, where our own tickets are in a header; `null` when there is nothing to judge. */
  readonly csrfOfOld: CsrfJudge | null
  /** Tokens for forms, when asked for. */
  readonly csrfTokens: CsrfTokens | null
  readonly users: Users | null
  readonly guard: Guard | null
  readonly storeDown: 'fail' | 'read-empty'
  /** Takes over the sessions of other systems; `null` without readers. */
  readonly moving: Moving | null
  /** Keeps sessions in step with those of an application that still runs; `null`: no reader has `dualWrite`. */
  readonly beside: SideBySide | null
}

/** What the rooms of an application share. */
export interface House {
  readonly clock: () => number
  readonly random: (size: number) => Uint8Array
  readonly timers: Timers
  /** How long a tombstone stays, for each store that sealed copies spill into: whoever ends a session there leaves one. */
  readonly tombstoneLifeMs: ReadonlyMap<SessionStore, number>
}

const lifetimeKeys = ['idle', 'absolute', 'persistent', 'touchEvery'] as const
// A sealed copy cannot be revoked, so it must not live for ever.
const sealedLifeMaxMs = 30 * 86_400_000

function lifetimeOf(options: SessionsOptions): Lifetime {
  return resolveLifetime(ownOptions('lifetime', options.lifetime ?? {}, lifetimeKeys))
}

/** The {@link House.tombstoneLifeMs} of all named sessions. */
export function tombstoneLives(all: readonly SessionsOptions[]): Map<SessionStore, number> {
  const lives = new Map<SessionStore, number>()
  for (const options of all) {
    const { carrier, store } = options
    if (carrier === 'spill' && store !== undefined) lives.set(store, Math.max(lives.get(store) ?? 0, lifetimeOf(options).absoluteMs))
  }
  return lives
}

/** Builds a room. Throws `config_invalid`. */
export function createRoom(name: string, options: SessionsOptions, house: House): Room {
  checkOptions(options)
  const { carrier = 'stored', transport: via = 'cookie', storeDown = 'fail', app = '' } = options
  const lifetime = lifetimeOf(options)
  if (carrier !== 'stored' && lifetime.absoluteMs > sealedLifeMaxMs) {
    throw new CoatcheckError(
      'config_invalid',
      `lifetime.absolute is over 30 days, too long for a cookie nobody can revoke; write at most 30d, or carrier: 'stored'`,
    )
  }
  const transport =
    via === 'cookie' ? cookieTransport(options.cookie ?? {}, name) : headerTransport(ownOptions('transport', via, ['header']).header)
  const emit = guarded(options.onEvent)
  const config = keeperConfig(name, options, emit, { ...house, lifetime })
  const scope = `${app}\n${transport.name}`
  const ring = createRing(options.secret, scope)
  const judge = options.csrf === 'unsafe-off' ? null : createCsrf(options.csrf ?? {}, transport.secure)
  const [csrf, csrfOfOld] = transport.ambient ? [judge, null] : [null, judge]
  const csrfTokens =
    csrf !== null && typeof options.csrf === 'object' && options.csrf.token === true ? createCsrfTokens(ring, house.random) : null
  const seals = createSeals(ring, house.random, lifetime.absoluteMs)
  const read: Outgoing = { outcome: 'untouched', setCookies: [], headers: [], vary: transport.vary }
  const room = { config, transport, read, csrf, csrfOfOld, csrfTokens, storeDown }
  const { store, moveIn = [] } = options
  if (store === undefined) return { ...room, keeper: new SealedKeeper(config, seals), users: null, guard: null, moving: null, beside: null }

  const tombstoneLifeMs = house.tombstoneLifeMs.get(store)
  const remove = tombstoneLifeMs === undefined ? (id: string) => store.delete(id) : entombing(store, tombstoneLifeMs, house.clock)
  const twins = moveIn.filter((reader) => reader.dualWrite !== undefined) as Twin[]
  const ties = twins.length === 0 ? null : new Ties(twins, ring, house)
  const ending = ties?.ending(store, remove, (tie) => rows.markEnded(tie)) ?? remove
  const guard = createGuard(config, store, options, ending)
  const users = new Users(config, guard, options.maxPerUser ?? null)
  const tickets = createTickets(ring)
  const rows = new MovedRows(config, guard, users, scope, ties)
  const beside = ties === null ? null : new SideBySide(config, { guard, tickets, rows, ties })
  const moving = moveIn.length === 0 ? null : new Moving(config, { guard, tickets, rows, beside, secure: transport.secure }, moveIn)
  const stored = new StoredKeeper(config, guard, tickets, users)
  const whole = { ...room, users, guard, moving, beside }
  if (carrier === 'stored') return { ...whole, keeper: stored }
  const spill = { trustMs: durationMs('trust', options.trust ?? 0), tokenBytesMax: transport.tokenBytesMax }
  return { ...whole, keeper: new SpillKeeper(config, guard, seals, tickets, stored, users, spill) }
}

function keeperConfig(
  name: string,
  options: SessionsOptions,
  emit: Listener,
  shared: House & Pick<KeeperConfig, 'lifetime'>,
): KeeperConfig {
  const limits = resolveLimits(options.limits)
  const { schema, schemaVersion, migrate } = options
  const terms: Terms = {
    limits,
    onConflict: options.onConflict ?? 'mine',
    conflicted: (id, key) => emit({ type: 'conflict', name, id, key }),
  }
  return { ...shared, name, terms, emit, schema: createSchemaCheck({ schema, schemaVersion, migrate }, limits) }
}

function createGuard(
  { name, timers, emit }: KeeperConfig,
  store: SessionStore,
  options: SessionsOptions,
  remove: (id: string) => Promise<void>,
): Guard {
  const { storeCallsMax = 10_000 } = options
  if (!Number.isSafeInteger(storeCallsMax) || storeCallsMax < 1)
    throw new CoatcheckError('config_invalid', 'storeCallsMax must be a whole number from 1')
  return new Guard(store, {
    deadlineMs: waitMs('storeDeadline', options.storeDeadline ?? '2s'),
    callsMax: storeCallsMax,
    remove,
    timers,
    failed: (operation, error) => emit({ type: 'store_failed', name, operation, error }),
  })
}
