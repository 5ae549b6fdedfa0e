/** The members of an old session, wherever they stood. */

type Values = Record<string, unknown>

/** The members of a JSON object, without a key `__proto__` at any depth and without the names given; `null` when it is none. */
export function jsonValues(text: string, without: readonly string[] = []): Values | null {
  try {
    const value: unknown = JSON.parse(text)
    // An escape can hide the name.
    return membersOf(/__proto__|\\u00/i.test(text) ? harmless(value) : value, without)
  } catch {
    // No JSON, or nested deeper than the stack.
    return null
  }
}

/** The own members of an object, without a key `__proto__` and without the names given; `null` for anything else. */
export function membersOf(value: unknown, without: readonly string[] = []): Values | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const values: Values = {}
  for (const key of Object.keys(value)) {
    // Assigning it would set the prototype.
    if (key !== '__proto__' && !without.includes(key)) values[key] = (value as Values)[key]
  }
  return values
}

/** The same for an object whose JSON a client has parsed already. Dates and the like stay as they are. */
export function parsedValues(value: unknown): Values | null {
  try {
    return membersOf(JSON.stringify(value)?.includes('"__proto__"') ? harmless(value) : value)
  } catch {
    // No JSON after all.
    return membersOf(value)
  }
}

function harmless(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(harmless)
  const members = membersOf(value)
  if (members === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  for (const key of Object.keys(members)) members[key] = harmless(members[key])
  return members
}
