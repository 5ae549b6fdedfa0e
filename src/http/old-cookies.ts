import type { OldCookies } from './move-in.ts'
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
