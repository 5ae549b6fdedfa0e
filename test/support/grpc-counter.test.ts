import { expect, test } from 'vitest'
import { headersFrames } from './grpc-counter.ts'

function frame(type: number, bytes: number): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(bytes, 0, 3)
  header[3] = type
  return Buffer.concat([header, Buffer.alloc(bytes, 1)])
}

test.each([1, 2, 7, 9, 1_000_000])('finds each HEADERS frame and nothing else, in pieces of %i bytes', (size) => {
  const sent = Buffer.concat([Buffer.alloc(24), frame(4, 18), frame(1, 200), frame(0, 70_000), frame(8, 4), frame(1, 1), frame(6, 8)])
  let found = 0
  const read = headersFrames(() => found++)
  for (let at = 0; at < sent.length; at += size) read(sent.subarray(at, at + size))
  expect(found).toBe(2)
})
