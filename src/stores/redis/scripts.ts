/** What happens on the server, each in one step. */
import { createHash } from 'node:crypto'
import type { Wire } from './client.ts'

export interface Script {
  readonly text: string
  readonly sha: string
}

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** An entry of a user's index lives as long as its session may without being filed anew, and takes the ones that are over along. */
const file = `
local function file(index, id, due, now)
  redis.call('ZADD', index, 'GT', due, id)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', '(' .. now)
  if redis.call('PTTL', index) < due - now then redis.call('PEXPIRE', index, due - now) end
end`

/** KEYS: the row, and the index of its user if it has one. Answers 1, or 0 for a lost race. */
export const put = script(`${file}
local row, index = KEYS[1], KEYS[2]
local expected, record, left, id, due, now = unpack(ARGV)
if expected == '' then
  if redis.call('EXISTS', row) == 1 then return 0 end
elseif redis.call('GETRANGE', row, 0, #expected) ~= expected .. ' ' then
  return 0
end
redis.call('SET', row, record, 'PX', left)
if index then file(index, id, tonumber(due), tonumber(now)) end
return 1`)

/** KEYS: the index of a user. For a cluster, where it lives in another slot than the row. */
export const index = script(`${file}
file(KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]))
return 1`)

/**
 * KEYS: the row. Answers 0 where nothing is, 1 when the expiry has moved or was later already, and the user (as in the record) when
 * its entry in the index ends before the row now does.
 */
export const touch = script(`
local row = KEYS[1]
local expires, left, due = unpack(ARGV)
local version, before, filed = string.match(redis.call('GETRANGE', row, 0, 127), '^(%S+) (%d+) (%d+) ')
if not version then return 0 end
if expires <= before then return 1 end
redis.call('SETRANGE', row, #version + 1, expires)
redis.call('PEXPIRE', row, left)
if expires <= filed then return 1 end
redis.call('SETRANGE', row, #version + 1 + #expires + 1, due)
return string.match(redis.call('GETRANGE', row, 0, 4096), '^%S+ %d+ %d+ ([^\\n]*)')`)

/** KEYS: the row. Answers the user (as in the record) of what was there, or nothing. */
export const remove = script(`
local record = redis.call('GETRANGE', KEYS[1], 0, 4096)
redis.call('DEL', KEYS[1])
return string.match(record, '^%S+ %d+ %d+ ([^\\n]*)')`)

/** Runs a script by its digest; the whole text travels only where the server does not know it (yet, or any more). */
export async function run(
  wire: Wire,
  { text, sha }: Script,
  keys: readonly [string, ...string[]],
  args: readonly string[],
): Promise<unknown> {
  const rest = [String(keys.length), ...keys, ...args]
  try {
    return await wire.send(keys[0], ['EVALSHA', sha, ...rest])
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    return wire.send(keys[0], ['EVAL', text, ...rest])
  }
}
