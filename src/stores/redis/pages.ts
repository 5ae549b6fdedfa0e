import type { Wire } from './client.ts'

export interface Page {
  readonly ids: string[]
  readonly cursor: string | null
}

/** A page of what stands under a prefix. Redis answers as many as it likes, so what is over the limit goes into the cursor. */
export async function pageOf(wire: Wire, prefix: string, cursor: string | null, limit: number): Promise<Page> {
  const [place = '0', ...kept] = cursor === null ? [] : cursor.split(' ')
  if (kept.length > 0) return cut(place, kept, limit)
  const before = wire.keyPrefix + prefix
  const pattern = `${before.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}*`
  const answer = (await wire.send(null, ['SCAN', place, 'MATCH', pattern, 'COUNT', String(limit)])) as [unknown, unknown[]]
  const ids = answer[1].map((key) => String(key).slice(before.length))
  return cut(String(answer[0]), ids, limit)
}

function cut(next: string, found: readonly string[], limit: number): Page {
  const kept = found.slice(limit)
  return { ids: found.slice(0, limit), cursor: next === '0' && kept.length === 0 ? null : [next, ...kept].join(' ') }
}
