/**
 * A row as the value of an item: text in UTF-8, one header line and then user and body, end to end.
 *
 *   cc1 <expiresAt, unix milliseconds> <bytes of the user, or - for nobody> LF <user> <body>
 */
import { isUtf8 } from 'node:buffer'
import { CoatcheckError } from '../../core/errors.ts'
import type { Row } from '../../core/types.ts'

type Columns = Omit<Row, 'id'>

const header = /^cc1 (-?\d{1,16}) (-|\d{1,7})$/
const headerBytesMax = 40
const lineFeed = 10

/** Throws `value_invalid` for what would not come back as it was. */
export function encodeItem({ expiresAt, user, body }: Columns): Buffer {
  if (!Number.isSafeInteger(expiresAt)) throw new CoatcheckError('value_invalid', 'expiresAt must be whole unix milliseconds')
  if (!body.isWellFormed() || (user !== null && !user.isWellFormed())) {
    throw new CoatcheckError('value_invalid', 'a body and a user must be well-formed text: memcachedStore keeps UTF-8')
  }
  const userBytes = user === null ? '-' : Buffer.byteLength(user)
  return Buffer.from(`cc1 ${expiresAt} ${userBytes}\n${user ?? ''}${body}`)
}

/** `null` for bytes that somebody else wrote. */
export function decodeItem(value: Buffer): Columns | null {
  const headerEnd = value.subarray(0, headerBytesMax).indexOf(lineFeed)
  if (headerEnd === -1) return null
  const [, expiresAt, userBytes] = header.exec(value.toString('latin1', 0, headerEnd)) ?? []
  if (expiresAt === undefined || userBytes === undefined || !Number.isSafeInteger(Number(expiresAt))) return null
  const bodyAt = headerEnd + 1 + (userBytes === '-' ? 0 : Number(userBytes))
  const [user, body] = [value.subarray(headerEnd + 1, bodyAt), value.subarray(bodyAt)]
  if (bodyAt > value.length || !isUtf8(user) || !isUtf8(body)) return null
  return { expiresAt: Number(expiresAt), user: userBytes === '-' ? null : user.toString(), body: body.toString() }
}
