/**
 * Every reader of other systems' bytes, for the fuzzers (fuzz.test.ts, test/gate/readers.ts). Add an entry for each of yours.
 *
 * Mutated cookies seldom get past their signature, so a signed format has two entries: the header as it comes, and a payload that is
 * signed after it was mutated.
 */
import { createHmac } from 'node:crypto'
import { oldCookiesOf } from '../../src/http/old-cookies.ts'
import { fromGaeSessions } from '../../src/migrate/gae-sessions.ts'
import { memcacheValue } from '../../src/migrate/webapp2/memcache.ts'
import { jsonValues, pickled } from '../../src/migrate/webapp2/record.ts'
import { readPickle, readWebapp2Cookie } from '../../src/migrate/webapp2.ts'
import { javascriptReaders } from './fuzzed-javascript.ts'
import { languageReaders } from './fuzzed-languages.ts'
import { sealedReaders } from './fuzzed-sealed.ts'
import { casesOf, fixtures } from './webapp2-fixtures.ts'

export interface FuzzedReader {
  readonly name: string
  /** Genuine inputs to mutate, a character for each byte. */
  readonly genuine: readonly string[]
  /** Pieces that the format is made of, to be put in anywhere. */
  readonly pieces?: readonly string[]
  /** Reads one input, synchronously; what it answers is looked at for prototypes. It must not throw. */
  read(input: string): unknown
}

const secretKey = 'my-super-secret-key'
const cookieKey = 'gae-sessions-fixture-key-0123456789abcdef'
const sid = '1900604800_4a9a41325d774502f16168543c4e5ba1'
const small = 6_000

const latin1 = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1')
const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')
const pickles = fixtures.pickles.map(({ pickle_b64 }) => latin1(pickle_b64)).filter(({ length }) => length > 0 && length < small)

/** Every opcode, with something it may take. */
const opcodes = [
  ...Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)),
  '2\x86',
  'h\0',
  'q\0',
  'p0\n',
  'g0\n',
  '\x8f(',
  'X\xff\xff\xff\x7f',
  'L9999L\n',
  'K\x01',
  'I01\n',
  "S'\\x00'\n",
  'V\\ud800\n',
  'cdatetime\ndatetime\n',
  'c__builtin__\nset\n]\x85R',
  'c_codecs\nencode\n',
  'cos\nsystem\n',
  '\x80\x04\x95\x08\0\0\0\0\0\0\0',
  '\x8b\xff\0\0\0',
  'V__proto__\n}V__proto__\nK\x01ss',
]

const cookies = casesOf('securecookie').filter(({ cookie_header }) => cookie_header.length < small)
const jsonTexts = cookies.map(({ cookie_value }) => latin1(cookie_value.split('|')[0] ?? '')).filter((text) => text.startsWith('{'))
const jsonPieces = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\u00',
  '\\ud800',
  'NaN',
  '-Infinity',
  '1e999',
  '-0',
  '12345678901234567890',
  '"__proto__":{"polluted":1},',
  '\xff',
]

function signedWebapp2(json: string): string {
  const text = `${bytesOf(json).toString('base64')}|1700000000`
  return `session=${text}|${createHmac('sha1', secretKey).update(`session|${text}`).digest('hex')}`
}

const gae = fromGaeSessions({ cookieKey })

function readGae(header: string): unknown {
  const ticket = gae.verify(oldCookiesOf(header), 1_900_000_000_000)
  // Without `stored` nothing is waited for: a promise that never rejects.
  return ticket === null ? null : ticket.load()
}

function signedGae(pickle: string): string {
  const bytes = bytesOf(pickle)
  const signature = createHmac('sha256', cookieKey + sid)
    .update(bytes)
    .digest('base64')
  return `DgU00="${signature}${sid}${bytes.toString('base64')}"`
}

export const readersToFuzz: readonly FuzzedReader[] = [
  { name: 'pickles', genuine: pickles, pieces: opcodes, read: (input) => readPickle(bytesOf(input)) },
  {
    name: 'webapp2: headers',
    genuine: cookies.map(({ cookie_header }) => cookie_header),
    pieces: ['session=', '; ', '|', '"', '\\075', '\\', '=', '1700000000'],
    read: (input) => readWebapp2Cookie(input, { secretKey, name: 'session', maxAge: 1e9, now: 1_700_000_000 }),
  },
  {
    name: 'webapp2: payloads, signed',
    genuine: jsonTexts,
    pieces: jsonPieces,
    read: (input) => readWebapp2Cookie(signedWebapp2(input), { secretKey, name: 'session', now: 1_700_000_000 }),
  },
  {
    name: 'webapp2: dicts changed and written back',
    genuine: pickles,
    pieces: opcodes,
    read(input) {
      const stored = pickled(bytesOf(input))
      return typeof stored === 'string' ? stored : stored.edited((values) => (values['fuzzed'] = [1]))?.values
    },
  },
  {
    name: 'webapp2: values of memcache by their flags',
    genuine: Object.values(fixtures.memcache_values).flatMap((values) =>
      values.map(({ flags, value_b64 }) => String.fromCharCode(flags) + latin1(value_b64)),
    ),
    pieces: opcodes,
    read: (input) => memcacheValue({ flags: input.charCodeAt(0) % 8, value: bytesOf(input.slice(1)) }),
  },
  {
    name: "Google's store: JSON",
    genuine: [JSON.stringify({ cookie: { originalMaxAge: 1, expires: '2099-01-01T00:00:00.000Z' }, views: 1 }), ...jsonTexts],
    pieces: [...jsonPieces, '"cookie":{"expires":"2000-01-01"},'],
    read(input) {
      const stored = jsonValues(input, 0)
      return typeof stored === 'object' && stored !== null ? stored.edited((values) => (values['fuzzed'] = [1]))?.values : stored
    },
  },
  {
    name: 'gae-sessions: headers',
    genuine: fixtures.gae_sessions.cases.map(({ cookie_header }) => cookie_header).filter(({ length }) => length < small),
    pieces: ['DgU00="', 'DgU01="', '"; ', '_', 'S', '='],
    read: readGae,
  },
  {
    name: 'gae-sessions: pickles, signed',
    genuine: ['\x80\x02}q\0}q\x01U\x03fooq\x02U\x03barq\x03s\x86q\x04.'],
    pieces: opcodes,
    read: (input) => readGae(signedGae(input)),
  },
  ...javascriptReaders,
  ...languageReaders,
  ...sealedReaders,
]
