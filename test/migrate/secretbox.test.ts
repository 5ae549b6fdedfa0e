/** Our own XSalsa20-Poly1305 against published vectors and libsodium. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { poly1305 } from '../../src/migrate/common/poly1305.ts'
import { hsalsa20, salsa20Block } from '../../src/migrate/common/salsa20.ts'
import { openSecretbox } from '../../src/migrate/common/secretbox.ts'
import { flips } from '../support/forgery.ts'
import { Dice } from '../support/random.ts'
import { boxed, sodium } from './sodium.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')
const seed = Date.now() % 1_000_000

describe("NaCl's vectors (Cryptography in NaCl, D. J. Bernstein)", () => {
  const shared = hex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742')
  const firstKey = hex('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389')
  const nonce = hex('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37')
  const message = hex(`
    be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06d
    ceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705`)
  const box = hex(`
    f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2
    270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74
    e355a5`)

  test('M-05 HSalsa20: section 8', () => {
    expect(hsalsa20(shared, Buffer.alloc(16))).toEqual(firstKey)
    expect(hsalsa20(firstKey, nonce.subarray(0, 16)).toString('hex')).toBe(
      'dc908dda0b9344a953629b733820778880f3ceb421bb61b91cbd4c3e66256ce4',
    )
  })

  test('M-05 Salsa20: 4 MiB of key stream', () => {
    const secondKey = hsalsa20(firstKey, nonce.subarray(0, 16))
    const sha = createHash('sha256')
    for (let counter = 0; counter < 65_536; counter++) sha.update(salsa20Block(secondKey, nonce.subarray(16), counter))
    expect(sha.digest('hex')).toBe('662b9d0e3463029156069b12f918691a98f7dfb2ca0393c96bbfc6b1fbd630a2')
  })

  test('M-05 secretbox: section 10', () => {
    expect(openSecretbox(box, nonce, firstKey)).toEqual(message)
  })

  test('M-05 M-01 with any bit flipped, cut off, or of another length: none', () => {
    for (const text of flips(box.toString('latin1'))) expect(openSecretbox(Buffer.from(text, 'latin1'), nonce, firstKey)).toBeNull()
    for (let length = 0; length < box.length; length++) expect(openSecretbox(box.subarray(0, length), nonce, firstKey)).toBeNull()
    for (const text of flips(nonce.toString('latin1'))) expect(openSecretbox(box, Buffer.from(text, 'latin1'), firstKey)).toBeNull()
    expect(openSecretbox(box, nonce.subarray(1), firstKey)).toBeNull()
    expect(openSecretbox(box, nonce, firstKey.subarray(1))).toBeNull()
    expect(openSecretbox(box, nonce, shared)).toBeNull()
  })
})

describe('Poly1305', () => {
  const zeros = '00'.repeat(16)
  const ones = 'ff'.repeat(16)

  test.each([
    [
      '2.5.2',
      '85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b',
      Buffer.from('Cryptographic Forum Research Group').toString('hex'),
      'a8061dc1305136c6c22b8baf0c0127a9',
    ],
    ['A.3 #1', zeros + zeros, '00'.repeat(64), zeros],
    ['A.3 #7', `02${zeros.slice(2)}${zeros}`, ones, `03${zeros.slice(2)}`],
    ['A.3 #8', `02${zeros.slice(2)}${ones}`, `02${zeros.slice(2)}`, `03${zeros.slice(2)}`],
    ['A.3 #9', `01${zeros.slice(2)}${zeros}`, `${ones}f0${ones.slice(2)}11${zeros.slice(2)}`, `05${zeros.slice(2)}`],
    ['A.3 #10', `01${zeros.slice(2)}${zeros}`, `${ones}fb${'fe'.repeat(15)}${'01'.repeat(16)}`, zeros],
    ['A.3 #11', `02${zeros.slice(2)}${zeros}`, `fd${ones.slice(2)}`, `fa${ones.slice(2)}`],
  ])('M-05 RFC 8439 %s', (_section, key, message, tag) => {
    expect(poly1305(hex(key), hex(message)).toString('hex')).toBe(tag)
  })

  test(`M-05 agrees with libsodium, also where limbs are full (seed ${seed})`, () => {
    const dice = new Dice(seed)
    const filled = (length: number): Buffer =>
      dice.chance(0.3) ? Buffer.alloc(length, dice.pick([0, 255, 252])) : Buffer.from(dice.bytes(length))
    for (let n = 0; n < 3_000; n++) {
      const [key, message] = [filled(32), filled(dice.below(100))]
      const tag = Buffer.alloc(16)
      sodium.crypto_onetimeauth(tag, message, key)
      if (!poly1305(key, message).equals(tag)) expect.fail(`key ${key.toString('hex')}, message ${message.toString('hex')}`)
    }
  })
})

test(`M-05 boxes of libsodium of any length are opened (seed ${seed})`, () => {
  const dice = new Dice(seed)
  for (let length = 0; length < 400; length++) {
    const [key, nonce, message] = [32, 24, length].map((size) => Buffer.from(dice.bytes(size))) as [Buffer, Buffer, Buffer]
    expect(openSecretbox(boxed(message, nonce, key), nonce, key)).toEqual(message)
  }
})
