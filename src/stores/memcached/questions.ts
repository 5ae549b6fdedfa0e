/**
 * What the store asks a memcached server, and what each answer means. Everything a session needs is a meta command:
 *
 *   mg <key> v c O<tag>                                     VA <size> c<cas> O<tag> + value | EN O<tag>
 *   ms <key> <size> c O<tag> T<seconds> ME  + value         HD c<cas> O<tag> | NS … (something is there)
 *   ms <key> <size> c O<tag> T<seconds> C<cas> + value      HD c<cas> O<tag> | EX … (another version) | NF … (nothing)
 *   md <key> O<tag>                                         HD O<tag> | NF O<tag>
 *
 * The tag ties an answer to its question; an answer with another one ends the connection.
 *
 * Source: doc/protocol.txt of memcached 1.6.18 and 1.6.45, and what 1.6.10, 1.6.14, 1.6.18 and 1.6.45 answer.
 */
import { Unfit } from './failures.ts'
import type { Reply } from './replies.ts'

/** The answer goes on in the next line. */
export const more = Symbol('more')

export interface Question<T> {
  readonly write: (tag: string) => Buffer
  /** Throws when the reply is no answer to this question: then the connection cannot be trusted with the next. */
  readonly read: (reply: Reply, tag: string) => T | typeof more
}

export interface Item {
  readonly value: Buffer
  readonly cas: string
}

/** `refused`: the server has no room for it. It has thrown away what was under the key, too. */
export type Stored =
  | { readonly stored: 'yes'; readonly cas: string }
  | { readonly stored: 'no' }
  | { readonly stored: 'refused'; readonly why: 'too large' | 'no memory' }

const lost: Stored = { stored: 'no' }
const lineEnd = Buffer.from('\r\n')

export function find(key: string): Question<Item | null> {
  return {
    write: (tag) => ascii(`mg ${key} v c O${tag}\r\n`),
    read(reply, tag) {
      // Before 1.6.18 a miss says nothing else.
      if (reply.line === 'EN') return null
      const { code, cas, stale } = answer(reply, tag)
      if (code === 'EN') return null
      if (code !== 'VA' || reply.value === null) throw unexpected(reply)
      // Marked by somebody for a cache's refresh: ours never are.
      return stale ? null : { value: reply.value, cas: cas ?? noCas() }
    },
  }
}

/** Stores on what `cas` names, or with `null` where nothing is. */
export function store(key: string, value: Buffer, seconds: number, cas: string | null): Question<Stored> {
  const condition = cas === null ? 'ME' : `C${cas}`
  const refusals = cas === null ? ['NS'] : ['EX', 'NF']
  return {
    write: (tag) => Buffer.concat([ascii(`ms ${key} ${value.length} c O${tag} T${seconds} ${condition}\r\n`), value, lineEnd]),
    read(reply, tag) {
      if (reply.line === 'SERVER_ERROR object too large for cache') return { stored: 'refused', why: 'too large' }
      if (reply.line === 'SERVER_ERROR out of memory storing object') return { stored: 'refused', why: 'no memory' }
      const { code, cas: given } = answer(reply, tag)
      if (refusals.includes(code)) return lost
      if (code !== 'HD') throw unexpected(reply)
      return { stored: 'yes', cas: given ?? noCas() }
    },
  }
}

export function remove(key: string): Question<null> {
  return {
    write: (tag) => ascii(`md ${key} O${tag}\r\n`),
    read(reply, tag) {
      const { code } = answer(reply, tag)
      if (code !== 'HD' && code !== 'NF') throw unexpected(reply)
      return null
    },
  }
}

/** Statistics by name; of the settings, or in general. */
export function statistics(of: 'settings' | null): Question<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  return {
    write: () => ascii(of === null ? 'stats\r\n' : `stats ${of}\r\n`),
    read(reply) {
      if (reply.line === 'END') return found
      const [, name, value] = /^STAT (\S+) (.*)$/.exec(reply.line) ?? []
      if (name === undefined || value === undefined) throw unexpected(reply)
      found.set(name, value)
      return more
    },
  }
}

/** Whether the server answers nothing before it is told a name and a password. */
export function isLocked(key: string): Question<boolean> {
  const { write, read } = find(key)
  return {
    write,
    read(reply, tag) {
      if (reply.line === unauthenticated) return true
      read(reply, tag)
      return false
    },
  }
}

/** Tells the name and the password: a `set` that stores nothing ("Authentication" in doc/protocol.txt). */
export function authenticate(user: string, password: string): Question<null> {
  const words = Buffer.from(`${user} ${password}`)
  return {
    write: () => Buffer.concat([ascii(`set auth 0 0 ${words.length}\r\n`), words, lineEnd]),
    read(reply) {
      if (reply.line === 'STORED') return null
      if (reply.line === 'CLIENT_ERROR authentication failure') throw new Unfit('refuses the user and password that servers gives')
      throw unexpected(reply)
    },
  }
}

interface Answer {
  readonly code: string
  readonly cas: string | null
  readonly stale: boolean
}

const unauthenticated = 'CLIENT_ERROR unauthenticated'
const codes = new Set(['VA', 'HD', 'EN', 'NS', 'EX', 'NF'])
const number = /^(?:0|[1-9]\d{0,19})$/

/** The parts of a meta answer, each of them known and none twice. */
function answer(reply: Reply, tag: string): Answer {
  // Before 1.6.18 the answer to md has two spaces.
  const [code = '', ...tokens] = reply.line.split(/ +/)
  if (!codes.has(code)) throw unexpected(reply)
  let cas: string | null = null
  let stale = false
  let tagged = false
  for (const token of code === 'VA' ? tokens.slice(1) : tokens) {
    const text = token.slice(1)
    if (token.startsWith('c') && cas === null && number.test(text)) cas = text
    else if (token.startsWith('O') && !tagged && text === tag) tagged = true
    else if (token === 'W' || token === 'X' || token === 'Z') stale = true
    else throw unexpected(reply)
  }
  if (!tagged) throw unexpected(reply)
  return { code, cas: cas === '0' ? null : cas, stale }
}

function noCas(): never {
  throw new Unfit('has no compare-and-swap, so updates would be lost; start memcached without -C, and use no server that only resembles it')
}

/** Says what the server said only where that is memcached's own words: anything else may be a piece of a session. */
function unexpected({ line }: Reply): Error {
  if (line === unauthenticated) return new Unfit('asks for a user and password; write them into servers: memcached://user:password@host')
  if (line === 'ERROR') return new Unfit('does not know the meta commands; memcached 1.6.10 or newer is needed')
  const words = /^(?:CLIENT_ERROR|SERVER_ERROR|ERROR) [a-zA-Z ]{1,60}$/.exec(line)?.[0]
  return new Error(words === undefined ? 'gave an answer that belongs to no question of ours' : `answered ${words}`)
}

function ascii(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}
