/** `<text>.<signature>`, as cookie-signature, @fastify/cookie and React Router sign: base64 of HMAC-SHA256 of the text, without `=`. */
import { createHmac, timingSafeEqual } from 'node:crypto'

const form = /^([^]+)\.([A-Za-z0-9+/]{43})$/

/** The text that one of the secrets has signed, or `null`. */
export function signedText(signed: string, secrets: readonly string[]): string | null {
  const [, text = '', signature = ''] = form.exec(signed) ?? []
  if (text === '') return null
  const given = Buffer.from(signature)
  return secrets.some((secret) => timingSafeEqual(Buffer.from(signatureOf(text, secret)), given)) ? text : null
}

function signatureOf(text: string, secret: string): string {
  return createHmac('sha256', secret).update(text).digest('base64').slice(0, 43)
}
