/** The ways in which a pickle spells text, and bytes as text. */
import { Refused } from './python.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8, with lone surrogates as three bytes each, as Python writes them (`surrogatepass`). `null`: something else. */
export function textOf(bytes: Buffer): string | null {
  if (isAscii(bytes)) return bytes.toString('latin1')
  try {
    return utf8.decode(bytes)
  } catch {
    return withSurrogates(bytes)
  }
}

function isAscii(bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] as number) > 0x7f) return false
  return true
}

/** Cuts at the surrogates and decodes what lies between. */
function withSurrogates(bytes: Buffer): string | null {
  const parts: string[] = []
  let from = 0
  for (let at = bytes.indexOf(0xed); at !== -1; at = bytes.indexOf(0xed, at + 1)) {
    const [second = 0, third = 0] = bytes.subarray(at + 1, at + 3)
    if (second < 0xa0 || second > 0xbf || third < 0x80 || third > 0xbf) continue
    parts.push(decoded(bytes, from, at), String.fromCharCode(0xd000 | ((second & 0x3f) << 6) | (third & 0x3f)))
    from = at + 3
  }
  if (from === 0) return null
  parts.push(decoded(bytes, from, bytes.length))
  return parts.includes(broken) ? null : parts.join('')
}

/** Stands for bytes that are no UTF-8; no text has it, since a decoder never gives half a surrogate pair. */
const broken = '\udfff\ud800'

function decoded(bytes: Buffer, from: number, to: number): string {
  try {
    return utf8.decode(bytes.subarray(from, to))
  } catch {
    return broken
  }
}

/** The inverse of {@link textOf}. */
export function bytesOf(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8')
  const parts = text.match(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]|[^\ud800-\udfff]+/g) ?? []
  return Buffer.concat(
    parts.map((part) => {
      const code = part.charCodeAt(0)
      const lone = part.length === 1 && code >= 0xd800 && code <= 0xdfff
      return lone ? Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]) : Buffer.from(part, 'utf8')
    }),
  )
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
  ['\n', ''],
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
])

/** The bytes of a quoted Python 2 string, such as `'caf\xc3\xa9'`. */
export function quotedBytes(line: string): Buffer {
  const quote = line.charAt(0)
  if (line.length < 2 || (quote !== "'" && quote !== '"') || !line.endsWith(quote)) throw new Refused('malformed')
  const text = line.slice(1, -1).replace(/\\(x[\da-fA-F]{2}|[0-7]{1,3}|[\s\S])/g, (whole, name: string) => {
    if (name.length > 1 && name.startsWith('x')) return String.fromCharCode(Number.parseInt(name.slice(1), 16))
    if (/^[0-7]/.test(name)) return String.fromCharCode(Number.parseInt(name, 8) & 0xff)
    return escapes.get(name) ?? whole
  })
  return Buffer.from(text, 'latin1')
}

/** Python's `raw-unicode-escape`: latin-1, and `\u` or `\U` behind an odd number of backslashes. */
export function unescapedText(line: string): string {
  return line.replace(
    /(?<!\\)((?:\\\\)*)\\(?:u([\da-fA-F]{4})|U([\da-fA-F]{8}))/g,
    (_whole, before: string, short: string | undefined, long: string | undefined) => {
      const code = Number.parseInt(short ?? long ?? '', 16)
      if (code > 0x10ffff) throw new Refused('malformed')
      return before + String.fromCodePoint(code)
    },
  )
}
