/** The name that was probably meant, or `null`: nothing is near enough. */
export function nearest(text: string, names: Iterable<string>): string | null {
  let best: string | null = null
  // What shares no letter is not near, however short.
  let bestDistance = Math.min(text.length, Math.max(2, Math.floor(text.length / 3)) + 1)
  for (const name of names) {
    const distance = name.startsWith(text) && text.length > 2 ? 1 : distanceOf(text, name)
    if (distance < bestDistance) [best, bestDistance] = [name, distance]
  }
  return best
}

/** `; did you mean …?`, or nothing. */
export function didYouMean(text: string, names: Iterable<string>, prefix = ''): string {
  const name = nearest(text, names)
  return name === null ? '' : `; did you mean ${prefix}${name}?`
}

/** How many letters to insert, drop or change (Levenshtein). */
function distanceOf(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const changed = (row[j - 1] as number) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[to.length] as number
}
