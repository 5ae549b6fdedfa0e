/**
 * What is said first on a connection: a password where one is needed, then which life of the server's memory this is.
 *
 *   <prefix>~life    16 random characters, kept for ever
 *
 * memcached counts its versions (CAS) from 1, anew at every start, so a number alone would come back. Whoever finds no life
 * makes one; it goes when the memory goes, and every row with it. A connection ends with the process at its other end, so
 * what is read here once holds for all that is asked on the connection, and a version is `<life>.<cas>`.
 */
import { randomBytes } from 'node:crypto'
import type { Connection } from './connection.ts'
import { Unfit } from './failures.ts'
import { authenticate, find, isLocked, store } from './questions.ts'
import type { Address } from './addresses.ts'

const lifeShape = /^[A-Za-z0-9_-]{16}$/

export async function handshake(connection: Connection, address: Address, lifeKey: string): Promise<void> {
  if (address.login !== null) await logIn(connection, address.login, lifeKey)
  const fresh = Buffer.from(randomBytes(12).toString('base64url'))
  const [, found] = await Promise.all([connection.ask(store(lifeKey, fresh, 0, null)), connection.ask(find(lifeKey))])
  const life = found?.value.toString('latin1') ?? ''
  if (found === null) throw new Error('lost a key as soon as it was stored')
  if (!lifeShape.test(life)) throw new Unfit(`holds something else under ${lifeKey}; delete it, or choose another prefix`)
  connection.life = life
}

/** Asks first whether a password is wanted: a server without one would keep it as an item, for everybody to read. */
async function logIn(connection: Connection, { user, password }: NonNullable<Address['login']>, key: string): Promise<void> {
  if (!(await connection.ask(isLocked(key)))) {
    throw new Unfit('asks for no password, though servers gives one; start it with -Y, or leave the password out')
  }
  await connection.ask(authenticate(user, password))
}
