/** Finding a cookie in a raw `Cookie` header as WebOb, webapp2's HTTP library, finds it. */

/** Longer ones are no cookie of webapp2: no server accepts a header of this length. */
const valueLengthMax = 65_536

/**
 * The value of the last cookie of this name, unquoted; `null` where there is none. A `;` always ends a cookie: WebOb writes it as
 * `\073` inside quotes, and browsers know no quotes.
 */
export function lastCookie(header: unknown, name: string): string | null {
  if (typeof header !== 'string') return null
  const start = `${name}=`
  for (let at = header.lastIndexOf(start); at !== -1; at = at === 0 ? -1 : header.lastIndexOf(start, at - 1)) {
    if (!beginsPair(header, at)) continue
    const end = header.indexOf(';', at)
    const value = header.slice(at + start.length, end === -1 ? undefined : end)
    return unquoted(value)
  }
  return null
}

/** Whether only blanks stand between here and the `;` before. */
function beginsPair(header: string, at: number): boolean {
  for (let before = at - 1; before >= 0; before--) {
    const code = header.charCodeAt(before)
    if (!isBlank(code)) return code === 0x3b
  }
  return true
}

/**
 * A value without blanks around it and without quotes. Old WebOb, all of App Engine's Python 2.7, wraps a value with a `=` in quotes and
 * spells the sign `\075`; the browser sends that back as it came. `null`: longer than any server lets through.
 */
export function unquoted(raw: string): string | null {
  if (raw.length > valueLengthMax) return null
  const value = raw.slice(blanks(raw, 0, 1), raw.length - blanks(raw, raw.length - 1, -1))
  if (value.length < 2 || !value.startsWith('"') || !value.endsWith('"')) return value
  return value
    .slice(1, -1)
    .replace(/\\([0-3][0-7][0-7]|.)/gs, (_whole, escape: string) =>
      escape.length === 3 ? String.fromCharCode(Number.parseInt(escape, 8)) : escape,
    )
}

/** How many blanks there are from here on. */
function blanks(text: string, from: number, step: 1 | -1): number {
  let count = 0
  while (isBlank(text.charCodeAt(from + count * step))) count++
  return count
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
