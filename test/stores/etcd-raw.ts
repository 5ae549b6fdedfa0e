/** What etcd itself says, past the store. */

interface Held {
  readonly key: string
  readonly lease: string
}

export function httpOf({ url }: { readonly url: string }): string {
  return url.replace('etcd:', 'http:')
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

export async function ask<Answer>(endpoint: string, path: string, message: object, token?: string): Promise<Answer> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: token }
  const response = await fetch(`${endpoint}${path}`, { method: 'POST', body: JSON.stringify(message), headers })
  return (await response.json()) as Answer
}

export async function keysUnder(endpoint: string, prefix: string): Promise<Held[]> {
  const range = { key: base64(prefix), range_end: base64(`${prefix}\u007f`), keys_only: true }
  const { kvs = [] } = await ask<{ kvs?: Held[] }>(endpoint, '/v3/kv/range', range)
  return kvs.map(({ key, lease }) => ({ key: Buffer.from(key, 'base64').toString(), lease }))
}

export async function secondsLeft(endpoint: string, lease: string): Promise<number> {
  return Number((await ask<{ TTL: string }>(endpoint, '/v3/lease/timetolive', { ID: lease })).TTL)
}
