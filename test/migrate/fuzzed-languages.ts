/** The readers of Flask, Django, Rails and PHP, for fuzzed.ts. */
import { createCipheriv, createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { oldCookiesOf } from '../../src/http/old-cookies.ts'
import type { MoveIn } from '../../src/index.ts'
import { fromDjango } from '../../src/migrate/django.ts'
import { storedUnsigner } from '../../src/migrate/django/signing.ts'
import { fromFlask } from '../../src/migrate/flask.ts'
import { readPhpSession, type PhpFormat } from '../../src/migrate/php.ts'
import { fromRails } from '../../src/migrate/rails.ts'
import type { FuzzedReader } from './fuzzed.ts'
import { goldenOf } from './golden-cases.ts'

const nowMs = 1_700_000_001_000
const key = 'a key of the fuzzer'
const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')

/** Sessions that hold their data: nothing to wait for. */
function read(reader: MoveIn, header: string): unknown {
  return reader.verify(oldCookiesOf(header), nowMs)?.load() ?? null
}

function headers(file: string, wanted = ''): readonly string[] {
  const cases = goldenOf(file).filter(({ system, cookie_header }) => system.includes(wanted) && cookie_header.length < 6_000)
  return cases.map(({ cookie_header }) => cookie_header)
}

const pieces = ['=', '; ', '.', ':', '--', '%', '%3D', '%2B', '"', '+', '/', '-', '_', 'e30', '.ZVPxAA.', ':1r31eq:', '\0', '\xff']
const jsonPieces = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\u00',
  '1e999',
  '-0',
  'NaN',
  '"__proto__":{"polluted":1},',
  '"constructor":{},',
  '\xff',
]
const tagged = [
  '{"a":{" t":[1,{" b":"AP8="}]},"d":{" d":"Fri, 20 Jan 2012 01:02:03 GMT"}}',
  '{"u":{" u":"12345678123456781234567812345678"},"m":{" m":"<b>"},"x":{" di":{" t__":1}}}',
]
const json = ['{"foo":"bar"}', '{"_auth_user_id":"42","a":[1,null,{"x":12345678901234567890}]}']

function flaskCookie(payload: Buffer, deflate: boolean): string {
  const signed = `${deflate ? '.' : ''}${(deflate ? deflateSync(payload) : payload).toString('base64url')}.ZVPxAA`
  const derived = createHmac('sha1', key).update('cookie-session').digest()
  return `session=${signed}.${createHmac('sha1', derived).update(signed).digest('base64url')}`
}

function djangoCookie(payload: Buffer): string {
  const signed = `${payload.toString('base64url')}:1r31eq`
  const derived = createHash('sha256').update(`django.contrib.sessions.backends.signed_cookiessigner${key}`).digest()
  return `sessionid=${signed}:${createHmac('sha256', derived).update(signed).digest('base64url')}`
}

function djangoLegacy(payload: Buffer): string {
  const derived = createHash('sha1').update(`django.contrib.sessionsSessionStore${key}`).digest()
  return Buffer.concat([bytesOf(`${createHmac('sha1', derived).update(payload).digest('hex')}:`), payload]).toString('base64')
}

const railsKey = pbkdf2Sync(key, 'authenticated encrypted cookie', 1_000, 32, 'sha256')

function railsCookie(plaintext: Buffer): string {
  const iv = Buffer.alloc(12, 3)
  const cipher = createCipheriv('aes-256-gcm', railsKey, iv)
  const parts = [Buffer.concat([cipher.update(plaintext), cipher.final()]), iv, cipher.getAuthTag()]
  return `s=${encodeURIComponent(parts.map((part) => part.toString('base64')).join('--'))}`
}

const flask = fromFlask({ secretKey: 'flask-secret' })
const ownFlask = fromFlask({ secretKey: key })
const django = fromDjango({ secretKey: 'django-insecure-fixture-key-0123456789abcdefghijklmnopqrstuv', legacy: true })
const ownDjango = fromDjango({ secretKey: key })
const pickledDjango = fromDjango({ secretKey: key, serializer: 'pickle' })
const legacyDjango = storedUnsigner({ secrets: [Buffer.from(key)], legacy: true, serializer: 'json' })
const rails = fromRails({ cookieName: '_app_session', secretKeyBase: String(goldenOf('rails')[0]?.secret) })
const ownRails = fromRails({ cookieName: 's', secretKeyBase: key, allowWithoutPurpose: true })

const message = Buffer.from('{"session_id":"ab","a":1}').toString('base64')
const envelope = `{"_rails":{"message":"${message}","exp":"2099-01-01T00:00:00.000Z","pur":"cookie.s"}}`
const phpPieces = [
  'N;',
  'b:1;',
  'i:-1;',
  'd:0.5;',
  's:3:"a|b";',
  'a:1:{i:0;',
  '}',
  'O:8:"stdClass":1:{',
  'R:1;',
  'R:2;',
  'r:1;',
  'E:3:"E:A";',
  'C:3:"Foo":0:{}',
]
const phpMore = ['a:99999999:{', 's:99999999:"', 's:9:"__proto__";', '|', '\x01a', '\x7f', '"', ';', '{', '\0*\0', '\xff']

function php(handler: NonNullable<PhpFormat['serializeHandler']>): FuzzedReader {
  const cases = goldenOf('php').filter(({ config, expect }) => expect.ok && config?.['session.serialize_handler'] === handler)
  return {
    name: `PHP: ${handler}`,
    genuine: cases.map(({ stored }) => Buffer.from((stored as unknown as { b64: string }).b64, 'base64').toString('latin1')),
    pieces: [...phpPieces, ...phpMore],
    read: (input) => readPhpSession(bytesOf(input), { serializeHandler: handler, classes: 'all' }),
  }
}

export const languageReaders: readonly FuzzedReader[] = [
  { name: 'Flask: headers', genuine: headers('flask'), pieces, read: (input) => read(flask, input) },
  {
    name: 'Flask: payloads, signed',
    genuine: [...tagged, ...json],
    pieces: [...jsonPieces, '{" t":', '{" b":"', '{" u":"', '{" d":"', '{" di":{"'],
    read: (input) => read(ownFlask, flaskCookie(bytesOf(input), input.length % 2 === 0)),
  },
  { name: 'Django: headers', genuine: headers('django', 'signed_cookies'), pieces, read: (input) => read(django, input) },
  { name: 'Django: payloads, signed', genuine: json, pieces: jsonPieces, read: (input) => read(ownDjango, djangoCookie(bytesOf(input))) },
  {
    name: 'Django: pickles, signed',
    genuine: goldenOf('django').flatMap(({ stored }) => {
      const { cache } = (stored ?? {}) as { cache?: { pickle_b64?: string } }
      return cache?.pickle_b64 === undefined ? [] : [Buffer.from(cache.pickle_b64, 'base64').toString('latin1')]
    }),
    pieces: ['\x94', '}', ']', '(', 'e', 'u', 'h\0', '\x8c\x01a', 'cos\nsystem\n', 'R', '.'],
    read: (input) => read(pickledDjango, djangoCookie(bytesOf(input))),
  },
  {
    name: 'Django before 3.1: payloads, signed',
    genuine: json,
    pieces: jsonPieces,
    read: (input) => legacyDjango(djangoLegacy(bytesOf(input))),
  },
  { name: 'Rails: headers', genuine: headers('rails'), pieces, read: (input) => read(rails, input) },
  {
    name: 'Rails: messages, encrypted',
    genuine: [envelope, ...json],
    pieces: [...jsonPieces, '"_rails":{', '"message":"', '"exp":null,', '"pur":"cookie.s"', 'e30='],
    read: (input) => read(ownRails, railsCookie(bytesOf(input))),
  },
  php('php'),
  php('php_serialize'),
  php('php_binary'),
]
