import { createCipheriv, createHmac, createSecretKey, hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { emptyState } from '../../src/core/body.ts'
import { createRing } from '../../src/core/keys.ts'
import { createMac } from '../../src/core/mac.ts'
import { createSeals } from '../../src/core/seal.ts'
import { createTickets, hashOf, mintId, mintSecret } from '../../src/core/ticket.ts'
import { Ties, type Twin } from '../../src/http/ties.ts'
import { oldTwin } from '../support/beside.ts'
import { everyKind, golden, goldenRandom, goldenSessions, playScenes, type Scene } from '../support/golden.ts'

interface Fixture {
  readonly secret: string
  readonly keys: {
    readonly kid: string
    readonly ticket: string
    readonly seal: { readonly day: number; readonly key: string }
    readonly tie: string
  }
  readonly tickets: readonly { readonly id: string; readonly secret: string; readonly hash: string; readonly ticket: string }[]
  readonly seals: readonly { readonly text: string; readonly nonce: string; readonly token: string }[]
  readonly ties: readonly { readonly id: string; readonly text: string; readonly nonce: string; readonly from: string }[]
  readonly scenes: readonly Scene[]
}

const fixture = JSON.parse(readFileSync(new URL('../fixtures/tokens.json', import.meta.url), 'utf8')) as Fixture
const scope = `${golden.app}\n${golden.cookie}`
const ring = createRing(golden.secret, scope)
const hkdf = (info: string, size: number): Buffer => Buffer.from(hkdfSync('sha256', golden.secret, 'coatcheck v1', info, size))

describe('golden vectors', () => {
  it('T-12 today’s code writes every token and row of the first release byte for byte', async () => {
    expect(fixture).toMatchObject(golden)
    expect(await playScenes()).toEqual(fixture.scenes)
  })

  it.each(fixture.scenes.map((scene) => [scene.name, scene] as const))(
    'T-12 F-23 today’s code reads what the first release wrote: %s',
    async (_name, scene) => {
      const { sessions } = await goldenSessions(scene.carrier, scene.row === null ? [] : [scene.row], scene.name.includes('schema') ? 3 : 0)
      const session = await sessions.peek(`${golden.cookie}=${scene.token}`)
      expect(session).not.toBeNull()
      expect(session?.user).toBe(scene.name.includes('signed in') || scene.name.includes('rotated') ? 'ada' : null)
      if (scene.name.includes('every kind')) expect(session?.toJSON()).toStrictEqual(everyKind)
      expect(session?.size).toBeGreaterThan(0)
      await sessions.close()
    },
  )

  it('T-12 keys, tickets and seals are what the format says, done by hand', () => {
    const { kid, ticket: ticketKey, seal } = fixture.keys
    expect(hkdf('key id', 6).toString('base64url').slice(0, 6)).toBe(kid)
    expect(hkdf(`ticket\n${scope}`, 32).toString('hex')).toBe(ticketKey)
    expect(hkdf(`seal ${seal.day}\n${scope}`, 32).toString('hex')).toBe(seal.key)
    for (const { id, secret, hash, ticket } of fixture.tickets) {
      const signed = `t1${kid}${id}${secret}`
      expect(ticket).toBe(
        signed + createHmac('sha256', Buffer.from(ticketKey, 'hex')).update(signed).digest().subarray(0, 18).toString('base64url'),
      )
      expect(createTickets(ring).read(ticket)).toEqual({ id, secret, secretHash: hash, stale: false })
    }
    const day = Buffer.from([seal.day >> 16, (seal.day >> 8) & 255, seal.day & 255]).toString('base64url')
    for (const { text, nonce, token } of fixture.seals) {
      const iv = Buffer.from(nonce, 'hex')
      const cipher = createCipheriv('aes-256-gcm', Buffer.from(seal.key, 'hex'), iv)
      cipher.setAAD(Buffer.from(`s1${kid}${day}`))
      const padded = text + '\n'.repeat((3 - ((Buffer.byteLength(text) + 28) % 3)) % 3)
      const sealed = Buffer.concat([iv, cipher.update(padded), cipher.final(), cipher.getAuthTag()])
      expect(token).toBe(`s1${kid}${day}${sealed.toString('base64url')}`)
      expect(createSeals(ring, goldenRandom(), 86_400_000).read(token, golden.nowMs)).toEqual({ text, stale: false })
    }
  })

  it('T-12 what says which session another is kept in step with is what the format says, done by hand', () => {
    const { kid, tie: tieKey } = fixture.keys
    expect(hkdf(`tie\n${scope}`, 32).toString('hex')).toBe(tieKey)
    for (const { id, text, nonce, from } of fixture.ties) {
      const iv = Buffer.from(nonce, 'hex')
      const cipher = createCipheriv('aes-256-gcm', Buffer.from(tieKey, 'hex'), iv)
      cipher.setAAD(Buffer.from(id))
      const sealed = Buffer.concat([iv, cipher.update(text), cipher.final(), cipher.getAuthTag()])
      expect(from).toBe(kid + sealed.toString('base64url'))
      const { reader } = oldTwin()
      const random = (): Uint8Array => iv
      const ties = new Ties([reader as Twin], ring, { clock: () => golden.nowMs, random })
      const [, , identity] = JSON.parse(text) as string[]
      expect(ties.seal(reader, String(identity), id)).toBe(from)
      expect(ties.of({ ...emptyState(0, 0), id, from })).toEqual({ reader, identity })
      expect(fixture.scenes.some(({ row }) => row?.body.includes(`,"from":"${from}","keys":`))).toBe(true)
    }
  })

  it('T-12 the same random bytes make the same tickets', () => {
    const random = goldenRandom()
    const tickets = createTickets(ring)
    const made = fixture.tickets.map(() => {
      const [id, secret] = [mintId(random), mintSecret(random)]
      return { id, secret, hash: hashOf(secret), ticket: tickets.write(id, secret) }
    })
    expect(made).toEqual(fixture.tickets)
  })
})

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')

// RFC 4231, the cases whose key fits a block.
const hmacVectors = [
  ['0b'.repeat(20), bytes('4869205468657265'), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
  [
    Buffer.from('Jefe').toString('hex'),
    Buffer.from('what do ya want for nothing?'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  ['aa'.repeat(20), bytes('dd'.repeat(50)), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
  [
    '0102030405060708090a0b0c0d0e0f10111213141516171819',
    bytes('cd'.repeat(50)),
    '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
  ],
] as const

it.each(hmacVectors)('T-11 HMAC-SHA256 with key %s is RFC 4231’s', (key, data, digest) => {
  const mac = createMac(createSecretKey(bytes(key)), data.length)
  expect(Buffer.from(mac(data.toString('latin1')), 'base64url').toString('hex')).toBe(digest)
})

it('T-11 HMAC-SHA256 is Node’s for every length of key and text, and a longer key is refused', () => {
  const random = goldenRandom()
  for (let length = 1; length <= 64; length++) {
    const key = createSecretKey(random(length))
    const text = Buffer.from(random(64)).toString('hex').slice(0, length)
    const mac = createMac(key, text.length)
    const expected = createHmac('sha256', key).update(text).digest('base64url')
    expect([mac(text), mac(text)]).toEqual([expected, expected])
  }
  expect(() => createMac(createSecretKey(Buffer.alloc(65, 1)), 1)).toThrowError(RangeError)
})

// RFC 5869, test cases 1 to 3: the HKDF that the ring derives its keys with.
const hkdfVectors = [
  [
    '0b'.repeat(22),
    '000102030405060708090a0b0c',
    'f0f1f2f3f4f5f6f7f8f9',
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  ],
  ['0b'.repeat(22), '', '', '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8'],
] as const

it.each(hkdfVectors)('T-11 HKDF-SHA256 of %s is RFC 5869’s', (key, salt, info, okm) => {
  expect(Buffer.from(hkdfSync('sha256', bytes(key), bytes(salt), bytes(info), 42)).toString('hex')).toBe(okm)
})

// The GCM specification's AES-256 cases 13 to 16.
const key16 = 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'
const text16 =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255'
const cipher16 =
  '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad'
const gcmVectors = [
  ['00'.repeat(32), '00'.repeat(12), '', '', '', '530f8afbc74536b9a963b4f1c4cb738b'],
  ['00'.repeat(32), '00'.repeat(12), '', '00'.repeat(16), 'cea7403d4d606b6e074ec5d3baf39d18', 'd0d1c8a799996bf0265b98b5d48ab919'],
  [key16, 'cafebabefacedbaddecaf888', '', text16, cipher16, 'b094dac5d93471bdec1a502270e3cc6c'],
  [
    key16,
    'cafebabefacedbaddecaf888',
    'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    text16.slice(0, 120),
    cipher16.slice(0, 120),
    '76fc6ece0f4e1768cddf8853bb2d551b',
  ],
] as const

it.each(gcmVectors)('T-11 AES-256-GCM under key %s and nonce %s is the specification’s', (key, iv, aad, text, sealed, tag) => {
  const cipher = createCipheriv('aes-256-gcm', bytes(key), bytes(iv), { authTagLength: 16 })
  cipher.setAAD(bytes(aad))
  const out = Buffer.concat([cipher.update(bytes(text)), cipher.final()]).toString('hex')
  expect([out, cipher.getAuthTag().toString('hex')]).toEqual([sealed, tag])
})
