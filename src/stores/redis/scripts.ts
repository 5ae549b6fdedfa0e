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

/** The user (as in the record) of a row, or nothing. Who has a name of an unusual length costs a second look. */
const owner = `
local function owner(row)
  local record = redis.call('GETRANGE', row, 0, 1023)
  if not string.find(record, '\\n', 1, true) then record = redis.call('GETRANGE', row, 0, -1) end
  return string.match(record, '^%S+ %d+ %d+ ([^\\n]*)')
end`

/**
 * KEYS: the row, and the index of its user if it has one. Answers 1, or 0 for a lost race. A client that repeats a call whose answer was lost
 * (ioredis does, after each reconnect) finds its own version there, and has won.
 */
export const put = script(`${file}
local row, index = KEYS[1], KEYS[2]
local expected, record, left, id, due, now = unpack(ARGV)
local free
if expected == '' then
  free = redis.call('EXISTS', row) == 0
else
  free = redis.call('GETRANGE', row, 0, #expected) == expected .. ' '
end
if not free then
  local own = string.match(record, '^%S+ ')
  return redis.pcall('GETRANGE', row, 0, #own - 1) == own and 1 or 0
end
redis.call('SET', row, record, 'PX', left)
if index then file(index, id, tonumber(due), tonumber(now)) end
return 1`)

/** KEYS: the index of a user. For a cluster, where it lives in another slot than the row. */
export const index = script(`${file}
file(KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]))
return 1`)

/**
 * KEYS: the row. Answers 0 where nothing is, and 1 when the expiry has moved or was later already. Where the user's entry in the index would
 * end before the row, it moves nothing and answers the user (as in the record), unless that is who the entry was filed anew for.
 */
export const touch = script(`${owner}
local row = KEYS[1]
local expires, left, due, filedFor = unpack(ARGV)
local version, before, filed = string.match(redis.call('GETRANGE', row, 0, 127), '^(%S+) (%d+) (%d+) ')
if not version then return 0 end
if expires <= before then return 1 end
if expires > filed then
  local user = owner(row)
  if user ~= '-' and user ~= filedFor then return user end
  redis.call('SETRANGE', row, #version + 1 + #expires + 1, due)
end
redis.call('SETRANGE', row, #version + 1, expires)
redis.call('PEXPIRE', row, left)
return 1`)

/** KEYS: the row. Answers the user (as in the record) of what was there, or nothing. */
export const remove = script(`${owner}
local user = owner(KEYS[1])
redis.call('DEL', KEYS[1])
return user`)

/**
 * Runs a script by its digest; the whole text travels only where the server does not know it (yet, or any more). Answers text, empty for nothing:
 * a client may have been told to give bytes, or numbers as text.
 */
export async function run(
  wire: Wire,
  { text, sha }: Script,
  keys: readonly [string, ...string[]],
  args: readonly string[],
): Promise<string> {
  const rest = [String(keys.length), ...keys, ...args]
  const answer = await wire.send(keys[0], ['EVALSHA', sha, ...rest]).catch((error: unknown) => {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
    return wire.send(keys[0], ['EVAL', text, ...rest])
  })
  return answer === null || answer === undefined ? '' : String(answer)
}
