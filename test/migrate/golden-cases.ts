/** Ground truth made by the real libraries: test/fixtures/<system>.json say which, and what they answered. */
import { readFileSync } from 'node:fs'

type Values = Record<string, unknown>

export interface Golden {
  readonly id: string
  readonly system: string
  readonly cookie_header: string
  readonly cookie_name: string
  readonly secret: string | readonly string[]
  readonly config?: Readonly<Record<string, unknown>>
  readonly payload?: Values
  readonly expect: { readonly ok: boolean; readonly data_is_payload?: boolean; readonly data?: Values }
  readonly verify?: { readonly now_ms?: number }
  /** By the kind of store. */
  readonly stored?: Readonly<Record<string, { readonly key: string; readonly value: unknown }>>
}

export function goldenOf(file: string): readonly Golden[] {
  const { cases } = JSON.parse(readFileSync(new URL(`../fixtures/${file}.json`, import.meta.url), 'utf8')) as { cases: Golden[] }
  return cases
}

/** Of cases whose clock was the real one: when they were made, nothing had ended. */
const realClockMs = Date.parse('2026-11-20T20:41:31Z')

export function nowOf({ verify }: Golden): number {
  return verify?.now_ms ?? realClockMs
}
