/** V8 keeps one byte for each character of a text, or two for each when any is beyond Latin-1. */
export function textBytes(text: string): number {
  return /[\u0100-\uffff]/.test(text) ? 2 * text.length : text.length
}

/** A copy: what callers hand in is often a slice, which V8 keeps as a reference into the whole request it was cut from. */
export function ownText(text: string): string {
  return [text.slice(0, 1), text.slice(1)].join('')
}
