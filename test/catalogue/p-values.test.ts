import { describe, expect, it } from 'vitest'
import { decodeValue, encodeValue } from '../../src/core/values.ts'
import { createSessions } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { all, secret } from '../support/backends.ts'
import { Visitor } from '../support/visitor.ts'

/** An instance of a class of the application. */
class Cart {
  readonly items: readonly string[] = []
}

const limits = { depthMax: 32, nodesMax: 20_000 }
const hostile = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__']
const invalid = expect.objectContaining({ code: 'value_invalid' })

describe.each(all)('values on $name', (backend) => {
  it('P-01 hostile names are data as keys of the session and inside values, or are refused', async () => {
    const { sessions, close } = backend.setup()
    const visitor = new Visitor(sessions)
    const payload = JSON.parse(
      '{"constructor":{"prototype":{"admin":true}},"toString":"x","hasOwnProperty":1,"a":[{"valueOf":2}]}',
    ) as object
    await visitor.visit((session) => {
      for (const name of hostile) session.set(name, { admin: true })
      session.set('payload', payload)
    })
    const { result } = await visitor.visit((session) => [hostile.map((name) => session.get(name)), session.get('payload')])
    expect(result).toEqual([hostile.map(() => ({ admin: true })), payload])
    for (const value of [...(result[0] as object[]), result[1] as object]) expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    const nested = JSON.parse('{"a":[{"__proto__":{"admin":true}}]}') as object
    await expect(visitor.visit((session) => session.set('nested', nested))).rejects.toEqual(invalid)
    await visitor.visit((session) => session.set('map', new Map([['__proto__', { admin: true }]])))
    expect((await visitor.visit((session) => session.get('map'))).result).toEqual(new Map([['__proto__', { admin: true }]]))
    expect([({} as { admin?: boolean }).admin, ([] as { admin?: boolean }).admin]).toEqual([undefined, undefined])
    await close()
  })

  it('P-03 keys of every kind come back as they were, in the order they were stored', async () => {
    const { sessions, close } = backend.setup()
    const visitor = new Visitor(sessions)
    const keys = [
      'z',
      '10',
      '9',
      '',
      'state',
      '#edits',
      'size',
      'k'.repeat(1_000),
      ' ',
      '\0',
      '\ud800',
      'a\r\nb',
      '{"$date":1}',
      '\u2028',
      'é',
      'e\u0301',
      '🍪',
    ]
    await visitor.visit((session) => keys.forEach((key, i) => session.set(key, i)))
    expect((await visitor.visit((session) => session.entries())).result).toEqual(keys.map((key, i) => [key, i]))
    await close()
  })

  it('P-04 objects that look like our tags come back as the objects they are', async () => {
    const { sessions, close } = backend.setup()
    const visitor = new Visitor(sessions)
    const lookalikes = [
      { $date: 0 },
      { $bigint: '1' },
      { $map: [] },
      { $object: [['a', 1]] },
      { $undefined: true },
      { $eval: '1' },
      { a: 1, $set: [{ $number: 'NaN' }] },
    ]
    await visitor.visit((session) => session.set('looks', lookalikes))
    expect((await visitor.visit((session) => session.get('looks'))).result).toStrictEqual(lookalikes)
    await close()
  })
})

it('P-03 a key of 10 KiB fits a row', async () => {
  const sessions = createSessions({ secret, store: memoryStore() })
  const visitor = new Visitor(sessions)
  await visitor.visit((session) => session.set('k'.repeat(10_240), 1))
  expect((await visitor.visit((session) => session.get('k'.repeat(10_240)))).result).toBe(1)
  await sessions.close()
})

const forged = [
  '{"$function":"() => 1"}',
  '{"$regexp":"(a+)+$"}',
  '{"$class":"Session"}',
  '{"$require":"fs"}',
  '{"_$$ND_FUNC$$_f":"x"}'.replace('"_', '"$_'),
  '{"$date":"2020-01-01"}',
  '{"$date":{}}',
  '{"$date":1,"x":2}',
  '{"x":1,"$date":2}',
  '{"$bigint":12}',
  '{"$bigint":"1e9"}',
  '{"$bigint":"0x10"}',
  '{"$bigint":""}',
  '{"$number":"1"}',
  '{"$number":1}',
  '{"$undefined":false}',
  '{"$undefined":null}',
  '{"$set":{}}',
  '{"$set":1}',
  '{"$map":[1]}',
  '{"$map":[[1]]}',
  '{"$map":[[1,2,3]]}',
  '{"$map":{"a":1}}',
  '{"$object":{"a":1}}',
  '{"$object":[[1,2]]}',
  '{"$object":[["__proto__",{"admin":true}]]}',
  '{"$bytes":1}',
  '{"$bytes":[1]}',
  '{"$bytes":"a b"}',
  '{"$bytes":"AA=="}',
  '{"$bytes":"A"}',
  '{"$bytes":"AB"}',
  '{"$":1}',
  '{"__proto__":{"admin":true}}',
  '{"a":{"__proto__":1}}',
  '{"\\u005f_proto__":{"admin":true}}',
  '{"\\u0024date":"x"}',
  '{"$map":[["a",{"$nope":1}]]}',
  '[{"$set":[{"$date":"x"}]}]',
  '{',
  '',
  'undefined',
  '{"a":1} {"b":2}',
]

it.each(forged)('P-04 the forged value %s is refused and makes nothing', (text) => {
  expect(() => decodeValue(text)).toThrowError()
  expect(({} as { admin?: boolean }).admin).toBeUndefined()
})

it('P-04 no getter of a value runs when it is read, and code is never stored', async () => {
  for (const value of [
    () => 1,
    Symbol('x'),
    /x/,
    new Error('x'),
    new Cart(),
    Promise.resolve(),
    new WeakMap(),
    new URL('https://x.test'),
    globalThis,
  ]) {
    expect(() => encodeValue('k', value, limits)).toThrowError(invalid)
    expect(() => encodeValue('k', { deep: [value] }, limits)).toThrowError(invalid)
  }
  expect(encodeValue('k', decodeValue('{"get":"x","set":"y","toJSON":"z","then":1}'), limits)).toBe(
    '{"get":"x","set":"y","toJSON":"z","then":1}',
  )
})
