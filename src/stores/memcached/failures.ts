import { CoatcheckError } from '../../core/errors.ts'
import { unavailable } from '../common/errors.ts'
import { invalid } from '../common/options.ts'

/** The server is there, and a person has to change something before it will do. A sentence that goes on from its name. */
export class Unfit extends Error {}

/** What `ready` rejects with. */
export function unfit(server: string, error: unknown): never {
  if (error instanceof Unfit) throw invalid(`memcachedStore: ${server} ${error.message}`, error)
  throw unavailable(`memcachedStore: ${server}`, error)
}

/** The server would not store it. It has dropped what was under the key, so that nobody reads something outdated: the session is over. */
export function outgrown(why: 'too large' | 'no memory', bytes: number): CoatcheckError {
  return why === 'too large'
    ? new CoatcheckError('session_too_large', `memcachedStore: the server takes no item of ${bytes} bytes; set itemBytesMax to its -I`)
    : new CoatcheckError('store_unavailable', 'memcachedStore: the server is out of memory; give it more (-m), or let it evict (no -M)')
}
