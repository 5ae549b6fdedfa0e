/** Seals of iron and JWEs, made here: what no library would seal has to be refused as well. */
import { createCipheriv, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

interface Sealing {
  readonly password: string | Uint8Array
  /** Of the password. */
  readonly id?: string
  readonly endsAt?: number | null
  readonly iterations?: number
}

/** A text as @hapi/iron seals it. */
export function sealed(text: string | Uint8Array, { password, id = '', endsAt = null, iterations = 1 }: Sealing): string {
  const salt = (): string => (typeof password === 'string' ? randomBytes(32).toString('hex') : '')
  const keyOf = (salt: string): Uint8Array => (typeof password === 'string' ? pbkdf2Sync(password, salt, iterations, 32, 'sha1') : password)
  const [keySalt, macSalt, iv] = [salt(), salt(), randomBytes(16)]
  const cipher = createCipheriv('aes-256-cbc', keyOf(keySalt), iv)
  const ciphertext = Buffer.concat([cipher.update(text), cipher.final()]).toString('base64url')
  const signed = `Fe26.2*${id}*${keySalt}*${iv.toString('base64url')}*${ciphertext}*${endsAt ?? ''}`
  return `${signed}*${macSalt}*${createHmac('sha256', keyOf(macSalt)).update(signed).digest('base64url')}`
}

/** A JWE of A256GCM, whatever its header says. */
export function jweOf(header: Buffer, plaintext: Buffer, key: Uint8Array): string {
  const [protectedHeader, iv] = [header.toString('base64url'), randomBytes(12)]
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(protectedHeader))
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return [protectedHeader, '', ...[iv, ciphertext, cipher.getAuthTag()].map((bytes) => bytes.toString('base64url'))].join('.')
}
