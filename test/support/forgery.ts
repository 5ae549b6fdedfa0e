/** Every token format with every transport, and ways to forge one. */
import { createSessions, type SessionsOptions, type SessionStore } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { counted } from './backends.ts'
import type { Dice } from './random.ts'
import { Visitor } from './visitor.ts'

type Any = Record<string, unknown>

const secret = 'a secret for forgeries, longer than 32 bytes'
const headerName = 'x-session'
const cookieName = '__Host-session'

export interface Target {
  readonly name: string
  /** Two genuine tokens of two sessions. */
  readonly genuine: readonly [string, string]
  /** Whether this text in place of the token opens a session. */
  opens(text: string): Promise<boolean>
  /** The same for a whole Cookie header, or the value of the transport's header. */
  opensHeader(text: string): Promise<boolean>
  /** How the store was called so far. */
  readonly storeCalls: readonly string[]
  /** What a reader of the transport would take for tokens in this text. */
  candidates(text: string): readonly string[]
}

const carriers = {
  ticket: { carrier: 'stored', big: false },
  'sealed token': { carrier: 'sealed', big: false },
  'sealed copy of a spill': { carrier: 'spill', big: false },
  'ticket of a spill': { carrier: 'spill', big: true },
} as const

export type Format = keyof typeof carriers

/** A target for each format and transport; `options` are the engine's beside the usual. */
export async function targets(options: Partial<SessionsOptions<Any>> = {}): Promise<Target[]> {
  const formats = Object.keys(carriers) as Format[]
  return Promise.all(formats.flatMap((format) => (['cookie', 'header'] as const).map((transport) => target(format, transport, options))))
}

export async function target(format: Format, transport: 'cookie' | 'header', options: Partial<SessionsOptions<Any>> = {}): Promise<Target> {
  const { carrier, big } = carriers[format]
  // Spilling needs a store that does not evict.
  const inner = memoryStore()
  const store = counted(Object.assign(Object.create(inner) as SessionStore, { guarantees: { ...inner.guarantees, mayEvict: false } }))
  const sessions = createSessions<Any>({
    secret,
    carrier,
    ...(carrier === 'sealed' ? { irrevocable: true as const } : { store }),
    ...(transport === 'header' ? { transport: { header: headerName } } : {}),
    ...options,
  })
  const opensHeader = async (text: string): Promise<boolean> => {
    const name = transport === 'cookie' ? 'cookie' : headerName
    const session = await sessions.visit({ method: 'GET', header: (asked) => (asked === name ? text : undefined) }).session()
    return !session.isNew
  }
  const make = async (): Promise<string> => {
    const visit = sessions.visit({ method: 'GET', header: () => undefined })
    const session = await visit.session()
    session.set('filling', 'x'.repeat(big ? 5_000 : 40))
    const outgoing = await visit.commit()
    const browser = new Visitor(sessions)
    browser.receive(outgoing)
    return browser.jar.get(cookieName) ?? outgoing.headers[0]?.[1] ?? ''
  }
  const genuine = [await make(), await make()] as const
  store.calls.length = 0
  return {
    name: `${format}, ${transport}`,
    genuine,
    opens: (text) => opensHeader(transport === 'cookie' ? `${cookieName}=${text}` : text),
    opensHeader,
    storeCalls: store.calls,
    candidates: (text) =>
      transport === 'cookie' ? text.split(';', 1) : text.split(',').map((part) => part.replace(/^[ \t]+|[ \t]+$/g, '')),
  }
}

/** One changed bit for each bit of each character. */
export function* flips(text: string): Iterable<string> {
  for (let at = 0; at < text.length; at++) {
    for (let bit = 1; bit < 256; bit <<= 1) {
      yield text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ bit) + text.slice(at + 1)
    }
  }
}

/** The text without its last characters, and without its first. */
export function* truncations(text: string): Iterable<string> {
  for (let length = 0; length < text.length; length++) {
    yield text.slice(0, length)
    yield text.slice(text.length - length)
  }
}

/** The text with every byte, and every two bytes, behind it. */
export function* suffixes(text: string): Iterable<string> {
  const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte))
  for (const one of bytes) {
    yield text + one
    for (const two of bytes) yield text + one + two
  }
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const versions = ['t0', 't1', 't2', 's0', 's1', 's2', 'v1', 'T1', 'S1', '1t', '', 'none.']

const mutations: readonly ((dice: Dice, text: string, other: string) => string)[] = [
  (dice, text) => inserted(text, dice.below(text.length + 1), dice.pick([...alphabet])),
  (dice, text) => inserted(text, dice.below(text.length + 1), String.fromCharCode(dice.below(256))),
  (dice, text) => cut(text, dice.below(text.length), 1 + dice.below(4)),
  (dice, text) => replaced(text, dice.below(text.length), dice.pick([...alphabet])),
  (dice, text) => replaced(text, dice.below(text.length), String.fromCharCode(dice.below(0x3000))),
  (dice, text) => swapped(text, dice.below(text.length), dice.below(text.length)),
  // The head of one genuine token on the tail of another, at the same place or not.
  (dice, text, other) => ((at) => text.slice(0, at) + other.slice(at))(dice.below(text.length)),
  (dice, text, other) => text.slice(0, dice.below(text.length)) + other.slice(dice.below(other.length)),
  (dice, text, other) =>
    ((from, size) => text.slice(0, from) + other.slice(from, from + size) + text.slice(from + size))(
      dice.below(text.length),
      dice.below(40),
    ),
  (dice, text) =>
    dice.pick([text.toLowerCase(), text.toUpperCase(), ` ${text}`, `${text} `, `"${text}"`, text + text, [...text].toReversed().join('')]),
  (dice, text) => replaced(text, dice.below(text.length), otherCase(text.charAt(dice.below(text.length)))),
  (dice, text) => dice.pick(versions) + text.slice(2),
  (dice, text) => text.slice(0, 2) + random(dice, 6) + text.slice(8),
  (dice, text) => text.slice(0, 8) + random(dice, 4) + text.slice(12),
  (dice, text) => text.slice(0, -24) + random(dice, 24),
  (dice, text) => text.slice(0, dice.below(text.length)).padEnd(text.length, dice.pick(['A', '=', '_', '.'])),
  (dice, text) => text.replaceAll('-', dice.pick(['+', '-'])).replaceAll('_', dice.pick(['/', '%5F'])) + dice.pick(['', '=', '==']),
  (dice, text) => ((at) => replaced(text, at, `%${text.charCodeAt(at).toString(16)}`))(dice.below(text.length)),
]

/** One to three random changes to a genuine token, with the other to take parts from. */
export function mutated(dice: Dice, [first, second]: readonly [string, string]): string {
  const other = dice.chance(0.5) ? first : second
  let text = other === first ? second : first
  for (let changes = 1 + dice.below(3); changes > 0; changes--) text = dice.pick(mutations)(dice, text === '' ? 'A' : text, other)
  return text
}

const inserted = (text: string, at: number, what: string): string => text.slice(0, at) + what + text.slice(at)
const cut = (text: string, at: number, size: number): string => text.slice(0, at) + text.slice(at + size)
const replaced = (text: string, at: number, what: string): string => text.slice(0, at) + what + text.slice(at + 1)
const otherCase = (one: string): string => (one === one.toLowerCase() ? one.toUpperCase() : one.toLowerCase())
const random = (dice: Dice, size: number): string => Array.from({ length: size }, () => dice.pick([...alphabet])).join('')

function swapped(text: string, a: number, b: number): string {
  return replaced(replaced(text, a, text.charAt(b)), b, text.charAt(a))
}
