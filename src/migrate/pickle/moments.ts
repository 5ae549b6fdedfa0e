/** `datetime`, `date` and `timedelta`: the bytes Python keeps them in, and unix milliseconds. */
import { Refused, type Delta, type Moment } from './python.ts'

const dayMs = 86_400_000
const daysMax = 999_999_999
/** The bit in the month that says which of two equal hours is meant when clocks are put back. */
const foldBit = 0x80

/** Checks the bytes of a `datetime` (10) or `date` (4). */
export function momentOf(kind: Moment['kind'], bytes: Uint8Array, zone: Delta | null): Moment {
  const [high = 0, low = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, micros = 0] = bytes
  const year = high * 256 + low
  const plain = month & ~foldBit
  const whole = bytes.length === (kind === 'date' ? 4 : 10) && year >= 1 && year <= 9999 && plain >= 1 && plain <= 12
  if (!whole || day < 1 || day > daysIn(year, plain) || (kind === 'date' && month !== plain)) throw new Refused('malformed')
  // The first of the three bytes of microseconds: below a million.
  if (hour > 23 || minute > 59 || second > 59 || micros > 0x0f || microsOf(bytes) > 999_999) throw new Refused('malformed')
  return { kind, bytes: Uint8Array.from(bytes), zone }
}

function daysIn(year: number, month: number): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month, 0)
  return date.getUTCDate()
}

function microsOf(bytes: Uint8Array): number {
  const [high = 0, middle = 0, low = 0] = bytes.subarray(7)
  return high * 65_536 + middle * 256 + low
}

/** Unix milliseconds; a datetime that knows no zone is taken as UTC, which is what App Engine's clocks say. */
export function msOf({ bytes, zone }: Moment): number {
  const [high = 0, low = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = bytes
  const date = new Date(0)
  date.setUTCFullYear(high * 256 + low, (month & ~foldBit) - 1, day)
  date.setUTCHours(hour, minute, second, Math.floor(microsOf(bytes) / 1000))
  return date.getTime() - (zone === null ? 0 : deltaMs(zone))
}

/** A `datetime` without a zone, in UTC. `null` for what Python cannot hold: an invalid Date, a year before 1 or after 9999. */
export function datetimeAt(ms: number): Moment | null {
  const date = new Date(ms)
  const year = date.getUTCFullYear()
  if (!(year >= 1 && year <= 9999)) return null
  const micros = date.getUTCMilliseconds() * 1000
  const bytes = Uint8Array.of(
    year >> 8,
    year & 0xff,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    micros >> 16,
    (micros >> 8) & 0xff,
    micros & 0xff,
  )
  return { kind: 'datetime', bytes, zone: null }
}

/** Brings days, seconds and microseconds into Python's ranges. */
export function deltaOf(days: number, seconds: number, micros: number): Delta {
  if (![days, seconds, micros].every(Number.isSafeInteger)) throw new Refused('malformed')
  const allSeconds = seconds + Math.floor(micros / 1e6)
  const delta = {
    kind: 'timedelta',
    days: days + Math.floor(allSeconds / 86_400),
    seconds: allSeconds - Math.floor(allSeconds / 86_400) * 86_400,
    micros: micros - Math.floor(micros / 1e6) * 1e6,
  } as const
  if (Math.abs(delta.days) > daysMax) throw new Refused('malformed')
  return delta
}

export function deltaMs({ days, seconds, micros }: Delta): number {
  return days * dayMs + seconds * 1000 + micros / 1000
}
