import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { addressOf, withoutSecrets } from '../../src/cli/address.ts'
import { failureOf, messageOf } from '../../src/cli/failure.ts'
import { readSecrets } from '../../src/cli/secrets.ts'
import { folder, ran } from './screen.ts'

describe('an address', () => {
  const env = { DATABASE_URL: 'postgres://ada:s3cr%2Ft@db/shop?sslmode=require', EMPTY: '' }

  test.each([
    'postgres://ada:secret@localhost/shop',
    'redis://:secret@localhost',
    'tiered:memory:+redis://ada:secret@localhost',
    'postgres://localhost/shop?password=secret',
    'mysql://ada:pass@word@localhost/shop',
    'nats://localhost?authToken=secret',
  ])('A-08 with a password is refused on a command line: %s', async (url) => {
    expect(() => addressOf('--to', url, { env })).toThrowError(/--to env:DATABASE_URL/)
    const { exit, err } = await ran(`migrate --from express-redis --from-url redis://localhost --to ${url}`)
    expect([exit, err.includes('pass@word'), err.includes('secret@')]).toEqual([2, false, false])
  })

  test('A-08 is printed without user, password and parameters', () => {
    const { url, name } = addressOf('--to', 'env:DATABASE_URL', { env })
    expect([url, name]).toEqual([env.DATABASE_URL, 'postgres://db/shop'])
    expect(addressOf('--to', 'tiered:memory:+redis://ada@host/1?x=1', { env }).name).toBe('tiered:memory:+redis://host/1')
    for (const url of ['sqlite:sessions.db', 'memory:', 'redis://localhost:6379/0', 'postgres://ada@localhost/shop'])
      expect(addressOf('--to', url, { env }).url).toBe(url)
  })

  // None of these is an address any more, to a client: the likeliest mistake there is, and the password must not be in what is said about it.
  test.each(['s3c/r3t', 's3c#r3t', 's3c?r3t', 's3c@r3t', 's3c r3t', 's3c?r=3t', '12/r3t', 's3c%r3t', 's3c:r3t'])(
    'A-08 a password that should have been percent-encoded is not printed either: %s',
    async (word) => {
      const before = word.split(/[^\d\w]/)[0] ?? ''
      for (const login of [`:${word}`, `ada:${word}`]) {
        const url = `redis://${login}@127.0.0.1:1/0`
        expect(() => addressOf('--to', url, { env })).toThrowError(/--to env:DATABASE_URL/)
        const { name } = addressOf('--to', 'env:URL', { env: { URL: url } })
        expect(name).toBe('redis://127.0.0.1:1/0')
        expect(withoutSecrets(`not ${url}, and not ${word}`, [{ url, name }], [])).toBe(`not ${name}, and not ***`)
      }
      const env2 = { OLD: `redis://ada:${word}@127.0.0.1:1/0` }
      const { exit, out, err } = await ran('migrate --from express-redis --from-url env:OLD --to memory:', { env: env2 })
      expect(exit).toBeGreaterThan(1)
      for (const part of [word, `:${before}`, 'r3t']) expect(out + err).not.toContain(part)
    },
  )

  test('A-08 of a user who is an @ in a parameter keeps its database', () => {
    const url = 'postgres://db:5432/shop?user=app@project.iam&sslmode=require'
    expect(addressOf('--to', url, { env })).toEqual({ url, name: 'postgres://db:5432/shop' })
    const hosts = 'mongodb://h1:27017,h2:27018/shop?appName=a@b'
    expect(addressOf('--to', hosts, { env }).name).toBe('mongodb://h1:27017,h2:27018/shop')
  })

  test('that is none ends with 2 and says how a password is written', async () => {
    const { exit, err } = await ran('migrate --from express-redis --from-url env:OLD --to memory:', {
      env: { OLD: 'redis://a:b/c@host/0' },
    })
    expect([exit, err.includes('%2F')]).toEqual([2, true])
  })

  test('of a variable that is not there says so', () => {
    for (const name of ['MISSING', 'EMPTY']) expect(() => addressOf('--to', `env:${name}`, { env })).toThrowError(/no environment variable/)
    expect(() => addressOf('--to', 'env:JUNK', { env: { JUNK: 'hunter2' } })).toThrowError(/^--to env:JUNK: what .* is no address$/)
  })

  test('A-08 that a client quotes in its error is not printed with the password', () => {
    const address = addressOf('--to', 'env:DATABASE_URL', { env })
    const said = `cannot reach ${env.DATABASE_URL}: password "s3cr/t" or s3cr%2Ft is wrong, key k3y-of-django`
    expect(withoutSecrets(said, [address], ['k3y-of-django'])).toBe(
      'cannot reach postgres://db/shop: password "***" or *** is wrong, key ***',
    )
    expect(messageOf(new Error('Invalid URL: redis://:hunter2@host/0'))).toBe('Invalid URL: redis://***@host/0')
  })
})

describe('a secret', () => {
  const files = () => {
    const cwd = folder()
    const write = (name: string, text: string, mode = 0o600): string => {
      writeFileSync(join(cwd, name), text, { mode })
      chmodSync(join(cwd, name), mode)
      return name
    }
    return { cwd, write, env: { OLD_SECRET: 'from the environment', EMPTY: '' } }
  }

  test('A-08 comes from a private file or from the environment, without the line end', () => {
    const { cwd, write, env } = files()
    const names = [write('new', 'newest\n'), write('old', 'older \r\n')]
    expect(readSecrets(names, ['OLD_SECRET'], { cwd, env })).toEqual(['newest', 'older ', 'from the environment'])
  })

  test.each([0o644, 0o640, 0o660, 0o604])('A-08 in a file of mode %o is refused, with what to type', (mode) => {
    const { cwd, write, env } = files()
    const name = write('secret', 'the secret itself', mode)
    expect(() => readSecrets([name], [], { cwd, env })).toThrowError(/chmod 600 secret/)
    expect(() => readSecrets([name], [], { cwd, env })).not.toThrowError(/the secret itself/)
  })

  test('that is empty or not there is refused', () => {
    const { cwd, write, env } = files()
    expect(() => readSecrets(['missing'], [], { cwd, env })).toThrowError(/missing cannot be read \(ENOENT\)/)
    expect(() => readSecrets(['.'], [], { cwd, env })).toThrowError(/cannot be read|chmod/)
    expect(() => readSecrets([write('empty', '\n')], [], { cwd, env })).toThrowError(/is empty/)
    for (const name of ['EMPTY', 'MISSING']) expect(() => readSecrets([], [name], { cwd, env })).toThrowError(/no environment variable/)
  })
})

test('a failure says what caused it, and ends as what it is', () => {
  const refused = Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' })
  expect(failureOf(refused, 'the old store')).toMatchObject({ exit: 3, message: 'the old store: ECONNREFUSED' })
  const nested = new Error('the store failed at put', { cause: new Error('disk full') })
  expect(messageOf(nested)).toBe('the store failed at put: disk full')
  const invalid = Object.assign(new Error('[coatcheck] write a name'), { name: 'CoatcheckError', code: 'config_invalid' })
  expect(failureOf(invalid, 'x')).toMatchObject({ exit: 2, message: 'write a name' })
  expect(failureOf('thrown text', 'x')).toMatchObject({ exit: 3, message: 'x: thrown text' })
  expect(failureOf(null, 'x').exit).toBe(3)
})
