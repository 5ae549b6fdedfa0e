/** Columns and body as one text: a line of JSON, then the body as it is, so that a body of JSON is not escaped once more. */
export function frame(columns: object, body: string): string {
  return `${JSON.stringify(columns)}\n${body}`
}

/** The parts of a framed text; `null` for bytes that are none. The columns are whatever somebody wrote: look before use. */
export function unframe(text: string): { readonly columns: Record<string, unknown>; readonly body: string } | null {
  const lineEnd = text.indexOf('\n')
  if (lineEnd === -1 || text[0] !== '{') return null
  try {
    return { columns: JSON.parse(text.slice(0, lineEnd)) as Record<string, unknown>, body: text.slice(lineEnd + 1) }
  } catch {
    return null
  }
}
