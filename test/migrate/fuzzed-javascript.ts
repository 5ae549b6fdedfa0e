/** The readers of Express, Koa, Fastify, React Router and client-sessions, for fuzzed.ts. */
import { createCipheriv, createHmac } from 'node:crypto'
import { oldCookiesOf } from '../../src/http/old-cookies.ts'
import type { MoveIn } from '../../src/index.ts'
import { fromClientSessions } from '../../src/migrate/client-sessions.ts'
import { membersOf, jsonValues } from '../../src/migrate/common/json-values.ts'
import { fromCookieSession } from '../../src/migrate/cookie-session.ts'
import { readExpressSessionId } from '../../src/migrate/express-session.ts'
import { readFastifySessionId } from '../../src/migrate/fastify-session.ts'
import { fromKoaSession } from '../../src/migrate/koa-session.ts'
import { fromReactRouter } from '../../src/migrate/react-router.ts'
import type { FuzzedReader } from './fuzzed.ts'
import { goldenOf } from './golden-cases.ts'

const nowMs = 1_700_000_001_000
const key = 'a key of the fuzzer'
const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')
const base64 = (text: string): string => bytesOf(text).toString('base64')
const pieces = ['=', '; ', '.', '.sig=', '%', '%3A', 's%3A', 's:', '"', '+', '/', '-', '_', 'e30', '.1700000000000.86400000.', '\0', '\xff']

/** Sessions that hold their data: nothing to wait for. */
function read(reader: MoveIn, header: string): unknown {
  return reader.verify(oldCookiesOf(header), nowMs)?.load() ?? null
}

function headers(file: string): readonly string[] {
  return goldenOf(file)
    .map(({ cookie_header }) => cookie_header)
    .filter(({ length }) => length < 6_000)
}

const json = [
  '{"foo":"bar"}',
  '{"a":[1,"two",null,false,{"x":1}],"_expire":1700000002000,"_maxAge":1}',
  '{"__proto__":{"a":1},"b":"\\u005f\\ud800"}',
]
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
  '1e999',
  '-0',
  '"__proto__":{"polluted":1},',
  '"constructor":{},',
  '\xff',
]

function paired(name: string, value: string): string {
  const pair = `${name}=${value}`
  return `${pair}; ${name}.sig=${createHmac('sha1', key).update(pair).digest('base64url')}`
}

function signed(text: string): string {
  return encodeURIComponent(`${text}.${createHmac('sha256', key).update(text).digest('base64').slice(0, 43)}`)
}

const [encryptionKey, signatureKey] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]

/** `plaintext` as client-sessions seals it. */
function sealed(plaintext: Buffer): string {
  const iv = Buffer.alloc(16, 3)
  const cipher = createCipheriv('aes-256-cbc', encryptionKey, iv)
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  const times = `${nowMs}.1000`
  const mac = createHmac('sha256', signatureKey).update(iv).update('.').update(ciphertext).update(`.${times}`).digest('base64url')
  return `s=${iv.toString('base64url')}.${ciphertext.toString('base64url')}.${times}.${mac}`
}

const cookieSession = fromCookieSession({ keys: ['key1', 'key2'] })
const [ownCookie, ownKoa] = [fromCookieSession({ keys: key }), fromKoaSession({ keys: key })]
const koa = fromKoaSession({ keys: 'some secret hurr' })
const router = fromReactRouter({ secrets: 's3cr3t' })
const ownRouter = fromReactRouter({ secrets: key })
const mozilla = fromClientSessions({ cookieName: 'mySession', secret: 'blargadeeblargblarg-long-enough' })
const ownMozilla = fromClientSessions({ cookieName: 's', encryptionKey, signatureKey })
/** An id is text, and genuine ones have to answer an object. */
const boxed = (id: string | null): unknown => (id === null ? null : { id })
const valueIn = (header: string): string => header.slice(header.indexOf('=') + 1)

export const javascriptReaders: readonly FuzzedReader[] = [
  {
    name: 'express-session: values',
    genuine: headers('express-session').map(valueIn),
    pieces,
    read: (input) => boxed(readExpressSessionId(input, { secret: 'keyboard cat' })),
  },
  {
    name: 'express-session: stored JSON',
    genuine: ['{"cookie":{"originalMaxAge":null},"a":1}', ...json],
    pieces: jsonPieces,
    read: (input) => membersOf(jsonValues(input), ['cookie']),
  },
  {
    name: '@fastify/session: values',
    genuine: headers('fastify-session').map(valueIn),
    pieces,
    read: (input) => boxed(readFastifySessionId(input, { secret: 'a secret with minimum length of 32 characters' })),
  },
  { name: 'cookie-session: headers', genuine: headers('cookie-session'), pieces, read: (input) => read(cookieSession, input) },
  {
    name: 'cookie-session: payloads, signed',
    genuine: json,
    pieces: jsonPieces,
    read: (input) => read(ownCookie, paired('session', base64(input))),
  },
  { name: 'koa-session: headers', genuine: headers('koa-session'), pieces, read: (input) => read(koa, input) },
  {
    name: 'koa-session: payloads, signed',
    genuine: json,
    pieces: [...jsonPieces, '"_expire":', '"_session":true'],
    read: (input) => read(ownKoa, paired('koa.sess', base64(input))),
  },
  { name: 'React Router: headers', genuine: headers('react-router'), pieces, read: (input) => read(router, input) },
  {
    name: 'React Router: payloads, signed',
    genuine: json,
    pieces: jsonPieces,
    read: (input) => read(ownRouter, `__session=${signed(base64(input))}`),
  },
  { name: 'client-sessions: headers', genuine: headers('client-sessions'), pieces, read: (input) => read(mozilla, input) },
  {
    name: 'client-sessions: plaintexts, sealed',
    genuine: json.map((text) => `s=${text}`),
    pieces: jsonPieces,
    read: (input) => read(ownMozilla, sealed(bytesOf(input))),
  },
]
