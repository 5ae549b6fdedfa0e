/** Base64url without padding; `null` for text that is spelled in any other way than the one (RFC 4648 3.5). */
export function base64urlBytes(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : null
}
