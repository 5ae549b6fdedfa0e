/** Ground truth made by the real webapp2, WebOb, App Engine SDK and gae-sessions: test/fixtures/webapp2.json says which. */
import { readFileSync } from 'node:fs'

/** A Python value, with what JSON lacks as an object of one member: `$bytes`, `$tuple`, `$set`, `$int`, `$float`, `$dict` … */
export type Tagged = null | boolean | number | string | readonly Tagged[] | { readonly [tag: string]: unknown }

export interface Case {
  readonly id: string
  readonly backend: 'securecookie' | 'datastore' | 'memcache'
  /** S1 and S2 are Python 2.7, S3 is Python 3; a variant was signed by hand and judged by the real code. */
  readonly stack: 'S1' | 'S2' | 'S3' | 'variant'
  readonly cookie_header: string
  readonly cookie_name: string
  readonly cookie_value: string
  readonly secret_key: string
  readonly verify: { readonly max_age: number | null; readonly now: number }
  readonly expect: {
    readonly ok: boolean
    readonly data_is_payload?: boolean
    readonly data?: Record<string, unknown>
    readonly reason?: string
  }
  readonly payload: Record<string, unknown> | null
  readonly payload_tagged?: Tagged
  readonly payload_json_text?: string
  readonly timestamp?: number
  readonly sid?: string
  readonly stored?: {
    readonly memcache?: { readonly key: string; readonly flags: number; readonly value_b64: string }
    readonly datastore?: {
      readonly key_name: string
      readonly entity_v1_json: {
        readonly properties: { readonly data: { readonly blobValue: string }; readonly updated: { readonly timestampValue: string } }
      }
    }
  }
}

export interface PickleCase {
  readonly id: string
  readonly expect: 'ok' | 'refuse' | 'ok-in-python'
  readonly pickle_b64: string
  readonly python?: string
  readonly value_tagged?: Tagged
}

interface MemcacheValue {
  readonly type: string
  readonly key: string
  readonly flags: number
  readonly value: Tagged
  readonly value_b64: string
}

export interface GaeCase {
  readonly id: string
  readonly cookie_header: string
  readonly secret_key: string
  readonly sid?: string
  readonly expires?: number
  readonly verify: { readonly now: number }
  readonly expect: { readonly ok: boolean }
  readonly payload_tagged?: Tagged
  readonly stored?: {
    readonly memcache?: { readonly value_b64: string }
    readonly datastore?: { readonly properties: { readonly pdump: { readonly pickle_b64: string } } }
  }
}

interface Fixtures {
  readonly cases: readonly Case[]
  readonly pickles: readonly PickleCase[]
  readonly memcache_values: { readonly S2: readonly MemcacheValue[]; readonly S3: readonly MemcacheValue[] }
  readonly memcache_long_key: { readonly key: string; readonly stored_as: readonly [string] }
  readonly seed0_forged_cookie: { readonly cookie_value: string }
  readonly gae_sessions: { readonly cases: readonly GaeCase[] }
}

export const fixtures = JSON.parse(readFileSync(new URL('../fixtures/webapp2.json', import.meta.url), 'utf8')) as Fixtures

export function casesOf(backend: Case['backend']): Case[] {
  return fixtures.cases.filter((one) => one.backend === backend)
}

/** What the reader is to make of a Python value. `python2`: its `str` is bytes, and text here where it is UTF-8. */
export function fromTagged(value: Tagged, python2: boolean): unknown {
  if (Array.isArray(value)) return value.map((one: Tagged) => fromTagged(one, python2))
  if (typeof value !== 'object' || value === null) return value
  const [[tag, content] = ['', null]] = Object.entries(value)
  const text = String(content)
  switch (tag) {
    case '$dict':
      return dict(content as readonly (readonly [Tagged, Tagged])[], python2)
    case '$tuple':
      return (content as readonly Tagged[]).map((one) => fromTagged(one, python2))
    case '$set':
      return new Set((content as readonly Tagged[]).map((one) => fromTagged(one, python2)))
    case '$bytes':
      return bytes(Buffer.from(text, 'base64'), python2)
    case '$int':
      return BigInt(text)
    case '$float':
      return Number(text.replace('inf', 'Infinity'))
    case '$datetime':
      return new Date(`${text.slice(0, 23)}Z`)
    case '$date':
      return new Date(text)
    case '$repr':
      // The only one: a timedelta of a day and two seconds, which Python 2 and 3 spell differently.
      return 86_402_000
    default:
      throw new Error(`no such tag: ${tag}`)
  }
}

function dict(pairs: readonly (readonly [Tagged, Tagged])[], python2: boolean): unknown {
  const entries = pairs.map(([key, value]) => [fromTagged(key, python2), fromTagged(value, python2)] as const)
  if (!entries.every(([key]) => typeof key === 'string')) return new Map(entries)
  return Object.fromEntries(entries.filter(([key]) => key !== '__proto__'))
}

function bytes(content: Buffer, python2: boolean): unknown {
  const text = content.toString('utf8')
  return python2 && Buffer.from(text).equals(content) ? text : Uint8Array.from(content)
}
