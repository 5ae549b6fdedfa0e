import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { createRing } from '../../src/core/keys.ts'
import { systemRandom } from '../../src/core/machine.ts'
import { createComparison } from '../../src/core/mac.ts'
import { createSeals } from '../../src/core/seal.ts'
import { createTickets, hashOf, mintId, mintSecret } from '../../src/core/ticket.ts'
import { secret } from '../support/backends.ts'

const ring = createRing(secret, '\n__Host-session')

/** How often each bit is set, over all texts. */
function bitCounts(texts: readonly string[], bytes: number): number[] {
  const counts = Array.from({ length: bytes * 8 }, () => 0)
  for (const text of texts) {
    const raw = Buffer.from(text, 'base64url')
    for (let bit = 0; bit < counts.length; bit++) counts[bit] = (counts[bit] ?? 0) + (((raw[bit >> 3] ?? 0) >> (bit & 7)) & 1)
  }
  return counts
}

/** Mean over standard deviation, and χ² per bit as a normal deviate: both have to stay within 6. */
function deviations(counts: readonly number[], n: number): { worstBit: number; monobit: number; chiSquare: number } {
  const z = counts.map((count) => (count - n / 2) / Math.sqrt(n / 4))
  const sum = counts.reduce((a, b) => a + b, 0)
  const total = n * counts.length
  const chi = z.reduce((all, one) => all + one * one, 0)
  return {
    worstBit: Math.max(...z.map(Math.abs)),
    monobit: Math.abs((sum - total / 2) / Math.sqrt(total / 4)),
    chiSquare: Math.abs((chi - counts.length) / Math.sqrt(2 * counts.length)),
  }
}

const leaning = (size: number): Uint8Array =>
  randomBytes(size).map((byte, i) => (i === 3 && (randomBytes(1)[0] ?? 0) < 16 ? byte | 4 : byte))

describe.each([
  ['ids', mintId, 18],
  ['secrets', mintSecret, 33],
] as const)('%s', (_name, mint, bytes) => {
  it('T-01 two hundred thousand have no duplicate and no bit that leans', () => {
    const n = 200_000
    const texts = Array.from({ length: n }, () => mint(systemRandom))
    expect(new Set(texts).size).toBe(n)
    const { worstBit, monobit, chiSquare } = deviations(bitCounts(texts, bytes), n)
    expect([worstBit, monobit, chiSquare].map((deviation) => deviation < 6)).toEqual([true, true, true])
  })

  it('T-01 and the statistics do find a bit that leans', () => {
    const texts = Array.from({ length: 20_000 }, () => mint(leaning))
    expect(deviations(bitCounts(texts, bytes), texts.length).worstBit).toBeGreaterThan(6)
  })
})

it('T-03 thirty processes and thirty workers begin with different ids', async () => {
  const module = fileURLToPath(new URL('../../src/core/ticket.ts', import.meta.url))
  const machine = fileURLToPath(new URL('../../src/core/machine.ts', import.meta.url))
  const program = `const { mintId } = await import(${JSON.stringify(module)}); const { systemRandom } = await import(${JSON.stringify(machine)}); const ids = [mintId(systemRandom), mintId(systemRandom)]`
  const run = promisify(execFile)
  const ids: string[] = []
  for (let i = 0; i < 30; i += 3) {
    const batch = Array.from({ length: 3 }, () =>
      run(process.execPath, ['--input-type=module', '-e', `${program}; console.log(ids.join())`]),
    )
    for (const { stdout } of await Promise.all(batch)) ids.push(...stdout.trim().split(','))
  }
  const worker = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const url = new URL(
        `data:text/javascript,${encodeURIComponent(`${program.replaceAll('"/', '"file:///')}; (await import('node:worker_threads')).parentPort.postMessage(ids.join())`)}`,
      )
      new Worker(url).once('message', resolve).once('error', reject)
    })
  for (let i = 0; i < 30; i += 3) {
    for (const text of await Promise.all(Array.from({ length: 3 }, worker))) ids.push(...text.split(','))
  }
  expect(ids).toHaveLength(120)
  expect(new Set(ids).size).toBe(120)
})

/**
 * Welch's t between two classes of inputs to one function, timed in random order (dudect). Times above the 90th percentile are the
 * machine's, not the code's.
 */
function welch<T>(run: (input: T) => unknown, inputOf: (side: number) => T): number {
  const sides = Array.from(randomBytes(20_000), (byte) => byte & 1)
  const inputs = sides.map(inputOf)
  const times = inputs.map((input) => {
    const start = process.hrtime.bigint()
    for (let i = 0; i < 8; i++) run(input)
    return Number(process.hrtime.bigint() - start)
  })
  const cut = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.9)] ?? 0
  const [a, b] = [0, 1].map((side) => moments(times.filter((time, i) => time <= cut && sides[i] === side))) as [Moments, Moments]
  return (a.mean - b.mean) / Math.sqrt(a.variance / a.n + b.variance / b.n)
}

interface Moments {
  readonly n: number
  readonly mean: number
  readonly variance: number
}

function moments(values: readonly number[]): Moments {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  const variance = values.reduce((all, value) => all + (value - mean) ** 2, 0) / (values.length - 1)
  return { n: values.length, mean, variance }
}

/** The smallest |t| of a few tries: a leak shows in every one, a busy machine in some. */
function leak<T>(run: (input: T) => unknown, inputOf: (side: number) => T): number {
  let smallest = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < 10 && smallest >= 4.5; attempt++) smallest = Math.min(smallest, Math.abs(welch(run, inputOf)))
  return smallest
}

/** With one character replaced by another; every result is laid out alike in memory. */
function withWrong(text: string, at: number | null): string {
  const chars = Buffer.from(text)
  if (at !== null) chars[at] = chars[at] === 65 ? 66 : 65
  return chars.toString('latin1')
}

const pairOf = (side: number): [string, string] => {
  const hash = hashOf(mintSecret(systemRandom))
  return [withWrong(hash, null), withWrong(hash, side === 0 ? 0 : 42)]
}

const early = ([left, right]: [string, string]): boolean => {
  for (let i = 0; i < left.length; i++) if (left.charCodeAt(i) !== right.charCodeAt(i)) return false
  return true
}

describe('timing', () => {
  const tickets = createTickets(ring)
  const fresh = (): string => tickets.write(mintId(systemRandom), mintSecret(systemRandom))

  it('T-05 S0.12 a MAC that is wrong in its first or its last byte takes the same time', () => {
    expect([tickets.read(withWrong(fresh(), 76)), tickets.read(withWrong(fresh(), 99))]).toEqual(['forged', 'forged'])
    expect(leak(tickets.read, (side) => withWrong(fresh(), side === 0 ? 76 : 99))).toBeLessThan(4.5)
  })

  it('T-05 comparing takes the same time wherever the texts differ', () => {
    const same = createComparison(43)
    const [text] = pairOf(0)
    expect([same(text, withWrong(text, null)), same(...pairOf(0)), same(...pairOf(1))]).toEqual([true, false, false])
    expect(leak(([left, right]) => same(left, right), pairOf)).toBeLessThan(4.5)
  })

  it('T-05 S0.12 every comparison with something secret is timingSafeEqual on buffers of one length', () => {
    const source = (name: string): string => readFileSync(new URL(`../../src/core/${name}.ts`, import.meta.url), 'utf8')
    expect(source('mac')).toMatch(
      /if \(a\.length !== length \|\| b\.length !== length\) return false[^}]*return timingSafeEqual\(left, right\)/,
    )
    expect(source('ticket')).toContain('if (!sameMac(mac, ')
    expect(source('rights')).toMatch(/const same = createComparison\(43\)[^]*if \(same\(secretHash, state\.secretHash\)\) return 'current'/)
    for (const name of ['ticket', 'csrf-token'])
      expect(source(name)).not.toMatch(/\b(mac|secretHash|secret|hash)\b [!=]== (?!undefined|null|'')/)
  })

  it('T-05 and the measurement does find a comparison that stops early', () => {
    expect(leak(early, pairOf)).toBeGreaterThan(4.5)
  })
})

it('T-10 two hundred thousand seals repeat no nonce, and every day has its own key', () => {
  const now = 1_800_000_000_000
  const seals = createSeals(ring, systemRandom, 86_400_000)
  const nonces = new Set<string>()
  for (let i = 0; i < 200_000; i++) nonces.add(seals.write('', now).slice(12, 28))
  expect(nonces.size).toBe(200_000)
  const fixed = createSeals(ring, (size) => new Uint8Array(size), 86_400_000)
  const [today, again, tomorrow] = [fixed.write('text', now), fixed.write('text', now + 60_000), fixed.write('text', now + 86_400_000)]
  expect(today).toBe(again)
  expect(today.slice(12)).not.toBe(tomorrow.slice(12))
  expect(today.slice(8, 12)).not.toBe(tomorrow.slice(8, 12))
  expect(fixed.read(today.slice(0, 8) + tomorrow.slice(8, 12) + today.slice(12), now)).toBe('forged')
})
