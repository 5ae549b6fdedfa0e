/** The readers of cookies that are encrypted, for fuzzed.ts: iron-session, h3, yar, @fastify/secure-session, Auth.js. */
import { hkdfSync } from 'node:crypto'
import { oldCookiesOf } from '../../src/http/old-cookies.ts'
import type { MoveIn } from '../../src/index.ts'
import { fromAuthJs } from '../../src/migrate/auth-js.ts'
import { fromH3Session } from '../../src/migrate/h3-session.ts'
import { fromIronSession } from '../../src/migrate/iron-session.ts'
import { fromSecureSession } from '../../src/migrate/secure-session.ts'
import { fromYar } from '../../src/migrate/yar.ts'
import type { FuzzedReader } from './fuzzed.ts'
import { goldenOf } from './golden-cases.ts'
import { jweOf, sealed } from './sealed.ts'
import { boxed } from './sodium.ts'

const nowMs = 1_700_000_001_000
const small = 6_000
const password = 'complex_password_at_least_32_characters_long'
const [boxKey, boxNonce] = [Buffer.from('AwoRGB8mLTQ7QklQV15lbHN6gYiPlp2kq7K5wMfO1dw=', 'base64'), Buffer.alloc(24, 7)]
const authSecret = 'an auth secret of the fixtures'
const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')

const ironPieces = ['=', '; ', '*', '**', 'Fe26.2', '~2', '.0=', '.1=', '__chunked__2', '1700000002000', '%2A', '-', '_', '\0', '\xff']
const boxPieces = ['=', '; ', ';', '%3B', '%3D', '%2B', '%', 'AAAA', '\0', '\xff']
const jwePieces = [
  '=',
  '; ',
  '.',
  '..',
  '.0=',
  'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0',
  'eyJhbGciOiJub25lIn0',
  'e30',
  '-',
  '_',
  '\0',
  '\xff',
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

const iron = fromIronSession({ cookieName: 'iron-session', password })
// Version 2 is the same code, and slow on purpose.
const h3 = fromH3Session({ version: 1, password, maxAge: 60, idleTimeout: 60 })
const yar = fromYar({ password })
const secureSession = fromSecureSession({ key: boxKey })
const auth4 = fromAuthJs({ secret: authSecret, cookieName: 'next-auth.session-token' })
const auth5 = fromAuthJs({ secret: authSecret, cookieName: 'authjs.session-token' })
const auth4Key = new Uint8Array(hkdfSync('sha256', authSecret, '', 'NextAuth.js Generated Encryption Key', 32))

/** They all hold their data: nothing to wait for. */
function read(reader: MoveIn, header: string): unknown {
  return reader.verify(oldCookiesOf(header), nowMs)?.load() ?? null
}

function headers(file: string): readonly string[] {
  return goldenOf(file)
    .map(({ cookie_header }) => cookie_header)
    .filter(({ length }) => length < small)
}

function seal(plaintext: string, id = ''): string {
  return sealed(bytesOf(plaintext), { password, id })
}

function box(plaintext: string): string {
  return encodeURIComponent(`${boxed(bytesOf(plaintext), boxNonce, boxKey).toString('base64')};${boxNonce.toString('base64')}`)
}

/** A header and claims, a line feed between them, as a JWE of version 4. */
function jwe(text: string): string {
  const [header = '', ...claims] = text.split('\n')
  return jweOf(bytesOf(header), bytesOf(claims.join('\n')), auth4Key)
}

export const sealedReaders: readonly FuzzedReader[] = [
  { name: 'iron-session: headers', genuine: headers('iron-session'), pieces: ironPieces, read: (input) => read(iron, input) },
  {
    name: 'iron-session: plaintexts, sealed',
    genuine: ['{"foo":"bar"}', '{"a":[1,"two",null,{"x":1}],"__proto__":{"a":1}}'],
    pieces: jsonPieces,
    read: (input) => read(iron, `iron-session=${seal(input, '1')}~2`),
  },
  { name: 'h3: headers', genuine: headers('h3-session'), pieces: ironPieces, read: (input) => read(h3, input) },
  {
    name: 'h3: plaintexts, sealed',
    genuine: ['{"id":"i","createdAt":1700000000000,"lastSeenAt":1700000000001,"data":{"a":[1]}}'],
    pieces: [...jsonPieces, '"createdAt":1e400,', '"lastSeenAt":"x",', '"data":{},'],
    read: (input) => read(h3, `h3=${seal(input)}`),
  },
  { name: 'yar: headers', genuine: headers('yar'), pieces: ironPieces, read: (input) => read(yar, input) },
  {
    name: 'yar: plaintexts, sealed',
    genuine: ['{"id":"19790f5e-cd6d-419f-8ada-afb5e76289fc","_store":{"a":1,"_lazyKeys":["a"]}}', '{"id":"19790f5e"}'],
    pieces: [...jsonPieces, '"_store":null,', '"id":{},'],
    read: (input) => read(yar, `session=${seal(input)}`),
  },
  {
    name: '@fastify/secure-session: headers',
    genuine: headers('secure-session'),
    pieces: boxPieces,
    read: (input) => read(secureSession, input),
  },
  {
    name: '@fastify/secure-session: plaintexts, boxed',
    genuine: ['{"foo":"bar","__ts":1700000000}', '{"a":[1,{"__proto__":{"a":1}}]}'],
    pieces: [...jsonPieces, '"__ts":1e400,', '"__ts":"x",'],
    read: (input) => read(secureSession, `session=${box(input)}`),
  },
  { name: 'NextAuth.js 4: headers', genuine: headers('auth-js'), pieces: jwePieces, read: (input) => read(auth4, input) },
  { name: 'Auth.js: headers', genuine: headers('auth-js'), pieces: jwePieces, read: (input) => read(auth5, input) },
  {
    name: 'NextAuth.js 4: header and claims, encrypted',
    genuine: ['{"alg":"dir","enc":"A256GCM"}\n{"sub":"42","exp":1700000002,"a":[1]}', '{"enc":"A256GCM","alg":"dir","kid":"k"}\n{"nbf":1}'],
    pieces: [
      ...jsonPieces,
      '\n',
      '"zip":"DEF",',
      '"crit":["exp"],',
      '"enc":"A256CBC-HS512",',
      '"alg":"none",',
      '"exp":1e400,',
      '"sub":{},',
    ],
    read: (input) => read(auth4, `next-auth.session-token=${jwe(input)}`),
  },
]
