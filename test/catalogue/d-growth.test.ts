import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { decodeBody, emptyState, encodeBody } from '../../src/core/body.ts'
import { durationMs } from '../../src/core/duration.ts'
import { createRing } from '../../src/core/keys.ts'
import { createSeals } from '../../src/core/seal.ts'
import { Texts } from '../../src/core/texts.ts'
import { createTickets } from '../../src/core/ticket.ts'
import { decodeValue, encodeValue, harmless } from '../../src/core/values.ts'
import { findCookies } from '../../src/http/cookie.ts'
import { createCsrf } from '../../src/http/csrf.ts'
import { headerTransport } from '../../src/http/transport.ts'
import { codeOf, filesUnder, importsOf, patternsOf, textOf } from '../../scripts/source.ts'
import { secret } from '../support/backends.ts'

const ring = createRing(secret, '\n__Host-session')
const tickets = createTickets(ring)
const seals = createSeals(ring, randomBytes, 86_400_000)
const judge = createCsrf({}, true)
const transport = headerTransport('x-session')
const limits = { depthMax: 1_000, nodesMax: 10_000_000 }
const now = 1_800_000_000_000

const attempt = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (error) {
    return error
  }
}
const head = (headers: Record<string, string>, method = 'POST'): { method: string; header(name: string): string | undefined } => ({
  method,
  header: (name) => headers[name],
})

type Parser = readonly [string, (size: number) => string, (input: string) => unknown]

const find = (input: string): unknown => findCookies(input, '__Host-session', 4)
const body = (size: number): string => {
  const keys = Array.from({ length: size / 8 }, (_, i) => `k${i}`)
  return encodeBody({
    ...emptyState(0, 0),
    id: 'a'.repeat(24),
    values: new Texts(
      keys,
      keys.map(() => '1'),
    ),
  })
}

const parsers: readonly Parser[] = [
  ['a cookie header of many cookies', (size) => 'a=b; '.repeat(size / 5), find],
  ['a cookie header of semicolons', (size) => ';'.repeat(size), find],
  ['a cookie header of equals signs', (size) => 'a=a='.repeat(size / 4), find],
  ['a cookie header of our name', (size) => '__Host-session '.repeat(size / 15), find],
  ['a cookie header of blanks before our name', (size) => `${' '.repeat(size)}__Host-session=x`, find],
  ['a cookie header of blanks between our names', (size) => `${' '.repeat(size / 100)}__Host-session`.repeat(100), find],
  ['a cookie header of long copies', (size) => `__Host-session=${'x'.repeat(size / 50)};`.repeat(50), find],
  ['a ticket', (size) => `t1${'A'.repeat(size)}`, (input) => tickets.read(input)],
  ['a sealed token', (size) => `s1${ring.newest.kid}${'A'.repeat(size)}`, (input) => seals.read(input, now)],
  ['a header of commas', (size) => ','.repeat(size), (input) => transport.read(head({ 'x-session': input }))],
  ['a header of blanks', (size) => ` ${' \t'.repeat(size / 2)}x`, (input) => transport.read(head({ 'x-session': input }))],
  ['an origin', (size) => `https://${'a.'.repeat(size / 2)}`, (input) => judge(head({ origin: input, host: input }))],
  ['an upgrade header', (size) => 'web'.repeat(size / 3), (input) => judge(head({ upgrade: input }))],
  ['a method', (size) => 'G'.repeat(size), (input) => judge(head({}, input))],
  ['a duration', (size) => `${'1'.repeat(size)}.`, (input) => attempt(() => durationMs('x', input))],
  ['a value of brackets', (size) => '['.repeat(size), (input) => attempt(() => decodeValue(input))],
  ['a value of tags', (size) => `[${Array.from({ length: size / 16 }, () => '{"$bigint":"1"}').join()}]`, decodeValue],
  ['a long BigInt that is none', (size) => `{"$bigint":"${'1'.repeat(size)}x"}`, (input) => attempt(() => decodeValue(input))],
  ['bytes', (size) => `{"$bytes":"${'A'.repeat(size)}"}`, (input) => attempt(() => decodeValue(input))],
  ['text to encode', (size) => '"\u2028'.repeat(size / 2), (input) => encodeValue('k', [input], limits)],
  ['text for a message', (size) => '\x1b'.repeat(size), (input) => harmless(input, 100)],
  ['a body of many keys', body, (input) => decodeBody(input, 'a'.repeat(24), null)],
  ['a body of line breaks', (size) => '\n'.repeat(size), (input) => decodeBody(input, 'a'.repeat(24), null)],
]

/** The best of some runs, in microseconds: others share this machine. */
function bestUs(run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 12; i++) {
    const startUs = performance.now() * 1_000
    run()
    best = Math.min(best, performance.now() * 1_000 - startUs)
  }
  return best
}

/** How much longer eight times the input takes: 8 when it is linear, 64 when it is quadratic. */
function growth(make: (size: number) => string, parse: (input: string) => unknown): number {
  const [small, large] = [make(8_192), make(65_536)]
  let best = Number.POSITIVE_INFINITY
  for (let attempts = 0; attempts < 10 && best > 24; attempts++)
    best = Math.min(
      best,
      bestUs(() => parse(large)) /
        Math.max(
          5,
          bestUs(() => parse(small)),
        ),
    )
  return best
}

describe('growth', () => {
  it.each(parsers)('D-08 C-14 %s takes time in proportion to its length', (_name, make, parse) => {
    expect(growth(make, parse)).toBeLessThan(24)
  })

  it('D-08 and the measurement does find a parser that is quadratic', () => {
    expect(
      growth(
        (size) => 'a'.repeat(size),
        (input) => /a*b/.test(input.slice(0, input.length / 32)),
      ),
    ).toBeGreaterThan(24)
  })
})

const files = filesUnder('src').filter((file) => !file.startsWith('src/testing/'))
const patterns = files.flatMap((file) => patternsOf(file, textOf(file)).map((pattern) => ({ file, ...pattern })))

it('D-08 no pattern in src backtracks: each one alone, on texts that almost match it', () => {
  expect(patterns.length).toBeGreaterThan(15)
  const units = [
    'a',
    'A',
    '0',
    '1.',
    ' ',
    '\t',
    '-',
    '_',
    '.',
    'a.',
    'a-',
    '/',
    '\\',
    '"',
    '""',
    '=',
    ';',
    ',',
    '\n',
    '\n\n',
    '__Host-',
    'private="',
    '$',
    '{',
    's1AAAAAAAAAA',
    't1',
    'websocket',
    '::',
    '[',
    '%20',
    'é',
  ]
  for (const { file, source, flags } of patterns) {
    const pattern = new RegExp(source, flags)
    for (const unit of units) {
      for (const end of ['', '!', '\u0000']) {
        const run = (size: number): number =>
          bestUs(() => {
            const text = unit.repeat(size / unit.length) + end
            if (flags.includes('g')) text.replace(pattern, '')
            else pattern.test(text)
          })
        // 8 KiB in under a millisecond; what is slower has to be linear.
        if (run(8_192) > 1_000) expect(run(65_536) / run(8_192), `${file} /${source}/ on ${JSON.stringify(unit)}`).toBeLessThan(24)
      }
    }
  }
})

it('P-05 D-08 nothing in src turns text into code', () => {
  for (const file of files) {
    const code = codeOf(file, textOf(file))
    expect(code, file).not.toMatch(/\beval\(|\bFunction\(|\bvm\.|\brequire\(/)
    // The insides of strings are blank here: what is left between the brackets is an expression.
    const loads = [...code.matchAll(/\bimport\(([^)]*)\)/g)].filter(([, what = '']) => /[a-z]/i.test(what))
    expect(
      loads.length === 0 || file === 'src/stores/url/load.ts' || file.startsWith('src/cli/'),
      `${file} loads what an expression names`,
    ).toBe(true)
    expect(importsOf(file, textOf(file))).not.toContain('node:vm')
  }
})
