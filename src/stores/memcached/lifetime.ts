/** memcached reads more than this as a date, in unix seconds ("Expiration times" in doc/protocol.txt). */
const relativeSecondsMax = 30 * 24 * 60 * 60
const daySeconds = 24 * 60 * 60
/** memcached reads 32 bits: a date after 19 January 2038 would be in the past. */
const dateSecondsMax = 2 ** 31 - 1

/** An item's expiry as memcached wants it, never before the row's own; 0 is never. */
export function expiryOf(expiresAt: number, nowMs: number): number {
  // One more, because memcached's clock ticks in whole seconds: a second may be over as soon as it is given.
  const seconds = Math.max(1, Math.ceil((expiresAt - nowMs) / 1_000) + 1)
  if (seconds <= relativeSecondsMax) return seconds
  // A date is judged by the server's clock: a day to spare, `ready` looks whether it is enough.
  const date = Math.ceil(expiresAt / 1_000) + daySeconds
  return date > dateSecondsMax ? 0 : date
}
