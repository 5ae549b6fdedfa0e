import { CoatcheckError } from '../../core/errors.ts'

/** The server failed, or is away. `advice` says what a person can do, where that is known. */
export function unavailable(store: string, error: unknown, advice?: string): CoatcheckError {
  if (error instanceof CoatcheckError) return error
  const reason = error instanceof Error && error.message !== '' ? error.message : String(error)
  return new CoatcheckError('store_unavailable', `${store}: ${reason}${advice === undefined ? '' : `; ${advice}`}`, error)
}

/** A row that the server would not take, or would cut. */
export function tooLarge(store: string, bytes: number, bytesMax: number): CoatcheckError {
  return new CoatcheckError(
    'session_too_large',
    `${store}: the session takes ${bytes} bytes and ${bytesMax} fit; store less in it, or keep large things elsewhere`,
  )
}
