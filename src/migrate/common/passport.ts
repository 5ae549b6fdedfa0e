import { membersOf } from './json-values.ts'
import type { Mapped } from './reader.ts'

/**
 * A `map` for applications that sign in with Passport: `passport.user`, where it is text or a whole number, becomes the session's user, and
 * all other values stay. Not the default: Passport's user is whoever has passed its first step, also where the application asks
 * for a second one afterwards. Then write a `map` that looks at both.
 *
 * @example
 * ```ts
 * import { passportUser } from 'coatcheck/migrate/express-session'
 * console.log(passportUser({ passport: { user: 42 }, cart: ['hat'] })) // { values: { cart: ['hat'] }, user: '42' }
 * ```
 */
export function passportUser(values: Readonly<Record<string, unknown>>): Mapped {
  const { passport, ...others } = values
  const user = membersOf(passport)?.['user']
  const isUser = (typeof user === 'string' && user !== '') || Number.isSafeInteger(user)
  return isUser ? { values: others, user: String(user) } : { values, user: null }
}
