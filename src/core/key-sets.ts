/**
 * The keys of sessions as JSON arrays. Applications have few sets of keys and many sessions, so a set is read and written once: a
 * third of decoding and encoding a session of ten keys.
 */

/** More sets than any application has; what makes up ever new keys pays for them itself. */
const setsMax = 1_000
/** A longer set is one that somebody fills with keys of his own: a thousand of those would hold 60 MB. */
const textLengthMax = 4_096

const sets = new Map<string, readonly string[]>()
const texts = new WeakMap<readonly string[], string>()

/** The keys of a JSON array of strings; `null` for anything else. */
export function readKeys(text: string): readonly string[] | null {
  const known = text.length > textLengthMax ? undefined : sets.get(text)
  if (known !== undefined) return known
  const keys = parsed(text)
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) return null
  if (text.length > textLengthMax) return keys
  if (sets.size >= setsMax) sets.clear()
  // Joined anew: a slice would keep the whole body alive that it was cut from.
  sets.set(JSON.stringify(keys), keys)
  return keys
}

/** The JSON array of some keys. */
export function writeKeys(keys: readonly string[]): string {
  let text = texts.get(keys)
  if (text === undefined) texts.set(keys, (text = JSON.stringify(keys)))
  return text
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
