import type { Clock, SessionStore, Timers } from '../../core/types.ts'
import { innerStore } from '../common/inner-store.ts'
import { invalid, storeOptions } from '../common/options.ts'
import { systemTimers } from '../common/timers.ts'

export interface MirroredStoreOptions {
  /** The store that sessions are in. */
  readonly from: SessionStore
  /** The store that they move to. */
  readonly to: SessionStore
  /**
   * `'from'` (default): `from` decides, and every write is copied to `to` afterwards, to try it. `'to'`: a session moves to `to` when it is next
   * written or touched, and new ones begin there. Processes in either phase may run side by side; beside `'to'` none that knows only `from`.
   */
  readonly phase?: 'from' | 'to'
  /** Told of every copy that `to` did not take. */
  readonly onCopyFailure?: (error: unknown) => void
  /** For `moveAll`, which leaves what has expired. Default `Date.now`. */
  readonly clock?: Clock
  readonly timers?: Timers
}

export function settingsOf(options: MirroredStoreOptions): Required<MirroredStoreOptions> {
  const own = storeOptions('mirroredStore', options, ['from', 'to', 'phase', 'onCopyFailure', 'clock', 'timers'])
  const { phase = 'from', onCopyFailure = () => {}, clock = Date.now, timers = systemTimers } = own
  const [from, to] = [innerStore('mirroredStore', 'from', own.from), innerStore('mirroredStore', 'to', own.to)]
  if (from === to) throw invalid('mirroredStore: from and to are the same store; name the new one in `to`')
  if (phase !== 'from' && phase !== 'to') throw invalid("mirroredStore: phase must be 'from' or 'to'")
  return { from, to, phase, onCopyFailure, clock, timers }
}
