/** What the readers of all systems have in common. */
import type { MoveIn, MoveInWhy, OldCookies, OldSession, OldTicket } from '../../http/move-in.ts'
import { dualWriteOf, type ChangeableSessions, type DualWriteOptions } from './dual-write.ts'
import { invalid } from './invalid.ts'

export { invalid } from './invalid.ts'

type Values = Readonly<Record<string, unknown>>

/** What becomes of old values. */
export interface Mapped {
  readonly values: Values
  /** Who is signed in; `null` for nobody. */
  readonly user?: string | null
}

/** Options that every reader takes. */
export interface MoveInOptions {
  /** The old cookie's exact name. */
  readonly cookieName?: string
  /**
   * Turns the old values into today's and says who is signed in. `null`: do not take this session over. Default: the values as they
   * are, nobody signed in (but where the system itself knows a user, as its reader says).
   */
  readonly map?: (values: Values) => Mapped | null | Promise<Mapped | null>
  /** From then on the reader is gone: a `Date`, or ISO 8601 text. Default: never. */
  readonly sunset?: Date | string
  /** Leave the old cookie and session in place, for as long as the old application still serves pages. Default `false`. */
  readonly keepOld?: boolean
  /** Where the old cookie was set. Default `/`. */
  readonly path?: string
  /** The domain that it was set with. Default: none. */
  readonly domain?: string
}

/** The names of {@link MoveInOptions}, for a check of unknown options. */
export const moveInOptionNames = [
  'cookieName',
  'map',
  'sunset',
  'keepOld',
  'path',
  'domain',
] as const satisfies readonly (keyof MoveInOptions)[]

/** What one system's reader adds. */
export interface System {
  readonly system: string
  /** When no `cookieName` is given. */
  readonly cookieName: string
  /** Names beside the cookie's own, where a system cuts what one cookie cannot hold. */
  otherNames?(cookieName: string): readonly string[]
  readonly expire?: (cookies: OldCookies) => readonly string[]
  verify(cookies: OldCookies, cookieName: string, nowMs: number): OldTicket | null
  walk?: MoveIn['walk'] | undefined
  count?: MoveIn['count'] | undefined
  /** Its sessions, where they are in a store that can be written. */
  changeable?: ChangeableSessions | undefined
}

/** A reader of one system. Throws `config_invalid`. */
export function readerOf(
  reader: string,
  options: MoveInOptions & DualWriteOptions,
  { system, cookieName, otherNames, expire, verify, walk, count, changeable }: System,
): MoveIn {
  const { map, path = '/', domain = null, keepOld = false } = options
  const name = options.cookieName ?? cookieName
  const wrong =
    typeof name !== 'string' || !/^[!-+\--:<>-~]{1,256}$/.test(name)
      ? 'cookieName must be the exact name of the old cookie, without blanks, commas, semicolons and equals signs'
      : map !== undefined && typeof map !== 'function'
        ? 'map must be a function of the old values'
        : typeof keepOld !== 'boolean'
          ? 'keepOld must be true or false'
          : !/^\/[!-+\--:<-~]*$/.test(String(path)) || (domain !== null && !/^[\w.-]{1,253}$/.test(String(domain)))
            ? 'path and domain must be those the old cookie was set with'
            : null
  if (wrong !== null) throw invalid(`${reader}: ${wrong}`)
  const dualWrite = dualWriteOf(reader, options, changeable && { ...changeable, load: withMapThere(changeable, map) })
  return {
    system,
    cookieName: name,
    ...(otherNames === undefined ? {} : { otherNames: otherNames(name) }),
    ...(expire === undefined ? {} : { expire }),
    sunsetAt: sunsetOf(reader, options.sunset),
    keepOld: keepOld || dualWrite !== undefined,
    ...(dualWrite === undefined ? {} : { dualWrite }),
    cookiePath: path,
    cookieDomain: domain,
    verify(cookies, nowMs) {
      const ticket = verify(cookies, name, nowMs)
      return ticket === null ? null : withMap(ticket, map)
    },
    ...(walk === undefined ? {} : { walk: (cursor, limit) => mappedPage(walk(cursor, limit), map) }),
    ...(count === undefined ? {} : { count }),
  }
}

async function mappedPage(
  page: ReturnType<NonNullable<MoveIn['walk']>>,
  map: MoveInOptions['map'],
): ReturnType<NonNullable<MoveIn['walk']>> {
  const { tickets, cursor } = await page
  return { tickets: tickets.map((ticket) => withMap(ticket, map)), cursor }
}

function withMap(ticket: OldTicket, map: MoveInOptions['map']): OldTicket {
  return map === undefined ? ticket : { ...ticket, load: async (because) => mapped(await ticket.load(because), map, because) }
}

function withMapThere(old: ChangeableSessions, map: MoveInOptions['map']): ChangeableSessions['load'] {
  return async (id, nowMs) => {
    const found = await old.load(id, nowMs)
    return map === undefined ? found : mapped(found, map)
  }
}

async function mapped(
  old: OldSession | null,
  map: NonNullable<MoveInOptions['map']>,
  because: (why: MoveInWhy) => void = () => {},
): Promise<OldSession | null> {
  if (old === null) return null
  let next: Mapped | null
  try {
    next = answered(await map(old.values))
  } catch (error) {
    because('map_failed')
    throw error
  }
  if (next === null) because('unwanted')
  return next === null ? null : { ...old, values: next.values, user: next.user ?? null }
}

/** A `map` that forgets its values is a mistake, and no reason to lose those of a visitor. */
function answered(answer: Mapped | null): Mapped | null {
  const values: unknown = answer === null ? {} : (answer as Partial<Mapped> | undefined)?.values
  if (typeof values === 'object' && values !== null && !Array.isArray(values) && !(values instanceof Map)) return answer
  throw invalid('map must answer { values: { … }, user: … }, or null to leave a session behind')
}

/** Of other text `Date.parse` makes what it can: of 'after 2027' a day, and of '01.02.2027' the second of January. */
const isoDate = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?$/

function sunsetOf(reader: string, sunset: Date | string | undefined): number | null {
  if (sunset === undefined) return null
  const text = typeof sunset === 'string' && isoDate.test(sunset) ? sunset : ''
  const at = sunset instanceof Date ? sunset.getTime() : Date.parse(text)
  if (Number.isFinite(at)) return at
  throw invalid(`${reader}: sunset is no date; write a Date, or text such as '2027-03-31'`)
}

/** The own properties of a reader's options: a misspelt name is an error, and a polluted `Object.prototype` decides nothing. */
export function readerOptions<Options extends object>(
  reader: string,
  options: Options,
  known: readonly (keyof Options & string)[],
): Options {
  if (typeof options !== 'object' || options === null) throw invalid(`${reader} takes an object with any of ${known.join(', ')}`)
  const own = { __proto__: null, ...options } as Options
  const stray = Object.keys(own).find((key) => !(known as readonly string[]).includes(key))
  if (stray !== undefined) throw invalid(`${reader} has no option ${stray}; write one of ${known.join(', ')}`)
  return own
}

/** Secrets, newest first: one text or several. Throws `config_invalid`. */
export function secretsOf(reader: string, option: string, value: unknown): readonly string[] {
  const all: unknown[] = Array.isArray(value) ? value : [value]
  if (all.length > 0 && all.every((one) => typeof one === 'string' && one !== '')) return all as string[]
  throw invalid(`${reader}: ${option} must be the old application's secret, or an array of them, newest first`)
}
