/** Whose request it is: by a ticket of ours, by a cookie of an old application, or by both. */
import { reject, type Held } from '../core/keeper.ts'
import type { Moved } from './moving.ts'
import type { Room } from './room.ts'
import type { RequestHead } from './types.ts'

export interface Arrival {
  readonly held: Held | null
  /** How it was opened, when that was by an old cookie. */
  readonly moved: Moved | null
}

/** What an old cookie has to say about a request whose ticket opens `own`, or that has none. */
export async function arrive(room: Room, head: RequestHead, own: Held | null, readOnly: boolean): Promise<Arrival> {
  const { moving, beside } = room
  const seen = own === null || beside === null ? own : await beside.look(head, own, readOnly)
  if (seen !== null && 'held' in seen) return { held: seen.held, moved: seen }
  // Anonymous here, and perhaps signed in by now where the old application has its page for that.
  const mayYield = seen !== null && beside !== null && seen.state.user === null && seen.state.from === null
  const asks = moving !== null && (seen === null || mayYield) && mayMove(room, head)
  const moved = asks ? await moving.open(head, readOnly, seen !== null) : null
  return moved === null ? { held: seen, moved: null } : { held: moved.held, moved }
}

/** A browser attaches the old cookie by itself, also where our own ticket is in a header that no other site can send. */
function mayMove({ csrfOfOld, config }: Room, head: RequestHead): boolean {
  if (csrfOfOld === null || head.header('cookie') === undefined || csrfOfOld(head) === 'allowed') return true
  reject(config, 'csrf', null)
  return false
}
