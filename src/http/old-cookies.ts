import type { MoveIn, OldCookies } from './move-in.ts'
import { findCookies } from './cookie.ts'

const valuesMax = 4
const namesMax = 200
const none: readonly string[] = []

/** The cookies of a Cookie header, found when they are asked for. */
export function oldCookiesOf(header: string): OldCookies {
  return {
    all: (name) => findCookies(header, name, valuesMax) ?? none,
    names(test) {
      const found = new Set<string>()
      for (const pair of header.split(';', namesMax)) {
        const name = pair.slice(0, Math.max(0, pair.indexOf('='))).replace(/^[ \t]+/, '')
        if (name !== '' && test(name)) found.add(name)
      }
      return [...found]
    },
  }
}

/** The cookies that say that a reader is meant. */
export function namesOf({ cookieName, otherNames = [] }: MoveIn): readonly string[] {
  return [cookieName, ...otherNames]
}

/** Whether a cookie of this name is read by a reader, or expired with what it reads. */
export function isOldName(reader: MoveIn, name: string): boolean {
  const onlyThis: OldCookies = { all: () => none, names: (test) => (test(name) ? [name] : none) }
  return [...namesOf(reader), ...(reader.expire?.(onlyThis) ?? none)].includes(name)
}
