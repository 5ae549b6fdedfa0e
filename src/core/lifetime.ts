/** How long a session lives. The only file that compares times. */
import { CoatcheckError } from './errors.ts'
import { durationMs, type Duration } from './duration.ts'
import type { Previous, State } from './body.ts'

/** The `lifetime` option. */
export interface LifetimeOptions {
  /** Ends a session nobody used for this long. Default `'1h'` (ASVS 5.0 V7.3.1). */
  readonly idle?: Duration
  /** Ends a session this long after it began or signed in, used or not. Default `'24h'` (ASVS 5.0 V7.3.2). */
  readonly absolute?: Duration
  /** `true`: the cookie outlives the browser (Max-Age and Expires). Default `false`. */
  readonly persistent?: boolean
  /**
   * At most one write in this time only to move the idle timeout. A session may end this much early, never late.
   * Default a minute, or a thirtieth of `idle` when that is shorter.
   */
  readonly touchEvery?: Duration
}

export interface Lifetime {
  readonly idleMs: number
  readonly absoluteMs: number
  readonly persistent: boolean
  readonly touchEveryMs: number
}

const cookieLifeMaxMs = 400 * 86_400_000
/** How far another machine's clock may run ahead before its sessions are refused. */
const skewMs = 5 * 60_000

/** Resolves `lifetime`; throws `config_invalid` for lifetimes that contradict each other. */
export function resolveLifetime(options: LifetimeOptions): Lifetime {
  const own = { __proto__: null, ...options } as LifetimeOptions
  const absoluteMs = durationMs('lifetime.absolute', own.absolute ?? '24h')
  const idleMs = durationMs('lifetime.idle', own.idle ?? Math.min(3_600_000, absoluteMs))
  const touchEveryMs = durationMs('lifetime.touchEvery', own.touchEvery ?? Math.min(60_000, idleMs / 30))
  const persistent = own.persistent ?? false
  const wrong =
    idleMs === 0 || absoluteMs === 0
      ? 'lifetime.idle and lifetime.absolute must be longer than nothing; to end a session, call destroy()'
      : idleMs > absoluteMs
        ? `lifetime.idle is longer than lifetime.absolute, so it could never end a session; write at most ${absoluteMs} ms, or a longer absolute`
        : touchEveryMs >= idleMs
          ? 'lifetime.touchEvery is not shorter than lifetime.idle, so a session in use would end; write a fraction of idle'
          : typeof persistent !== 'boolean'
            ? 'lifetime.persistent must be true or false'
            : absoluteMs > cookieLifeMaxMs
              ? 'lifetime.absolute is over 400 days, which browsers cut off (RFC 6265bis 5.5); write at most 400d'
              : null
  if (wrong !== null) throw new CoatcheckError('config_invalid', wrong)
  return { idleMs, absoluteMs, persistent, touchEveryMs }
}

/** Why a session is over, or `null` while it lives. At the limit itself it still lives. */
export function endedBy(state: State, expiresAt: number, nowMs: number, lifetime: Lifetime): 'idle' | 'absolute' | 'clock' | null {
  if (state.createdAt > nowMs + skewMs) return 'clock'
  if (nowMs > state.createdAt + lifetime.absoluteMs) return 'absolute'
  return nowMs > expiresAt ? 'idle' : null
}

/** When a session used now will be over unless it is used again. */
export function nextExpiry(createdAt: number, nowMs: number, lifetime: Lifetime): number {
  return Math.min(nowMs + lifetime.idleMs, createdAt + lifetime.absoluteMs)
}

/** Whether moving the idle timeout is worth a write. */
export function touchDue(createdAt: number, expiresAt: number, nowMs: number, lifetime: Lifetime): boolean {
  return nextExpiry(createdAt, nowMs, lifetime) - expiresAt >= Math.max(1, lifetime.touchEveryMs)
}

/** When the session was last used, as exactly as `touchEvery` allows. */
export function lastUsedAt(state: State, expiresAt: number, lifetime: Lifetime): number {
  const end = state.createdAt + lifetime.absoluteMs
  return expiresAt < end ? expiresAt - lifetime.idleMs : Math.max(state.createdAt, end - lifetime.idleMs)
}

/** Whether the secret before a rotation still opens the session. */
export function graceLasts(previous: Previous, nowMs: number): boolean {
  return nowMs <= previous.until
}

/** Whether a value with a life of its own is over. */
export function valueEnded(state: State, key: string, nowMs: number): boolean {
  const until = state.until.size === 0 ? undefined : state.until.get(key)
  return until !== undefined && nowMs > until
}
