import { dirname, posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { filesUnder, importsOf, textOf } from '../../scripts/source.ts'

interface Room {
  readonly name: string
  /** Rooms a file here may import from, besides its own; a path names one file. */
  readonly may: readonly string[]
  /** Node modules a file here may import; foreign packages never, anywhere. */
  readonly node: RegExp
}

const anyNode = /^node:/
const crypto = /^node:crypto$/
/** Old cookies are signed and often deflated. */
const cryptoAndZlib = /^node:(crypto|zlib)$/
/** PHP and Django keep sessions in plain files, behind no server that a client could be passed for. */
const reader = { file: 'src/migrate/common/session-files.ts', node: /^node:fs(\/promises)?$/ }

/** Imports run one way. Files right under src (the entry points) form the room `src`. */
const rooms: readonly Room[] = [
  { name: 'src/core', may: [], node: crypto },
  { name: 'src/http', may: ['src/core'], node: crypto },
  { name: 'src', may: ['src/core', 'src/http'], node: crypto },
  { name: 'src/stores', may: ['src/core/types.ts', 'src/core/errors.ts'], node: anyNode },
  { name: 'src/adapters', may: ['src/core', 'src/http'], node: anyNode },
  { name: 'src/migrate', may: ['src/core', 'src/http'], node: cryptoAndZlib },
  { name: 'src/testing', may: ['src/core', 'src/http'], node: anyNode },
  { name: 'src/gateway', may: ['src/core', 'src/http', 'src/stores', 'src/adapters', 'src/migrate', 'src/testing', 'src'], node: anyNode },
  {
    name: 'src/cli',
    may: ['src/core', 'src/http', 'src/stores', 'src/adapters', 'src/migrate', 'src/testing', 'src/gateway', 'src'],
    node: anyNode,
  },
]

/** Where what the application has, a client's package or its own module, is looked for by an expression. */
const loaders: readonly (readonly [file: string, expression: string])[] = [
  ['src/stores/url/load.ts', 'name'],
  ['src/cli/commands/migrate/target.ts', 'pathToFileURL(path).href'],
]

/** What is wrong with the imports of one file, in words. */
function badImports(file: string, text: string): string[] {
  const room = rooms.find(({ name }) => name === roomOf(file))
  if (!room) return [`${file} stands in no room: give ${roomOf(file)} a line in test/repo/imports.test.ts`]
  return importsOf(file, text).flatMap((specifier) => {
    if (!specifier.startsWith('.')) {
      if (loaders.some(([place, expression]) => place === file && expression === specifier)) return []
      return room.node.test(specifier) || (file === reader.file && reader.node.test(specifier))
        ? []
        : [`${file} imports '${specifier}': ${room.name} may import ${nodeWords(room.node)}`]
    }
    if (!specifier.endsWith('.ts')) return [`${file} imports '${specifier}': write the .ts ending`]
    const target = posix.join(dirname(file), specifier)
    const allowed = [room.name, ...room.may].some((one) => one === target || one === roomOf(target))
    return allowed ? [] : [`${file} imports ${target}: ${room.name} may import from ${room.may.join(', ') || 'nowhere else'}`]
  })
}

function roomOf(file: string): string {
  return dirname(file).split('/').slice(0, 2).join('/')
}

function nodeWords(node: RegExp): string {
  return node === anyNode ? 'only node: modules' : node === crypto ? 'only node:crypto' : 'only node:crypto and node:zlib'
}

test('imports in src run one way', () => {
  expect(filesUnder('src').flatMap((file) => badImports(file, textOf(file)))).toEqual([])
})

test('only tests, benchmarks and scripts reach into src; everybody else uses the published names', () => {
  const outside = filesUnder('.').filter((file) => file.endsWith('.ts') && !/^(src|test|bench|scripts)\//.test(file))
  const reaching = outside.flatMap((file) =>
    importsOf(file, textOf(file))
      .filter((one) => /\/src\//.test(one))
      .map((one) => `${file} imports ${one}`),
  )
  expect(reaching).toEqual([])
})

describe('the check finds a planted import', () => {
  test.each([
    ['src/core/planted.ts', `import type { Outgoing } from '../http/types.ts'`],
    ['src/core/planted.ts', `export { x } from '../stores/memory.ts'`],
    ['src/core/planted.ts', `import { readFileSync } from 'node:fs'`],
    ['src/core/planted.ts', `import * as cookie from 'cookie'`],
    ['src/core/planted.ts', `const { x } = await import('../adapters/node.ts')`],
    ['src/core/planted.ts', `type T = import('../http/types.ts').Outgoing`],
    ['src/core/planted.ts', `import { x } from './types.js'`],
    ['src/core/planted.ts', `import { x } from '../index.ts'`],
    ['src/http/planted.ts', `import { createServer } from 'node:http'`],
    ['src/http/planted.ts', `import { x } from '../adapters/node.ts'`],
    ['src/stores/planted.ts', `import { createSessions } from '../core/session.ts'`],
    ['src/stores/planted.ts', `import { createClient } from 'redis'`],
    ['src/stores/planted.ts', `import { x } from '../http/types.ts'`],
    ['src/migrate/planted.ts', `import { readFile } from 'node:fs/promises'`],
    ['src/migrate/common/session-files.ts', `import { createServer } from 'node:http'`],
    ['src/adapters/planted.ts', `import { memoryStore } from '../stores/memory.ts'`],
    ['src/testing/planted.ts', `import { describe } from 'vitest'`],
    ['src/index.ts', `export { expressSessions } from './adapters/express.ts'`],
    ['src/gateway/planted.ts', `import '../cli/main.ts'`],
    ['src/core/planted.ts', `import '../../test/support.ts'`],
    ['src/attic/planted.ts', ''],
  ])('%s: %s', (file, text) => {
    expect(badImports(file, text)).toHaveLength(1)
  })

  test.each([
    ['src/core/planted.ts', `import { x } from './types.ts' // import '../http/types.ts'`],
    ['src/core/planted.ts', `import { hash } from 'node:crypto'`],
    ['src/http/planted.ts', `import type { Session } from '../core/session.ts'\nconst text = "import 'express'"`],
    [
      'src/stores/planted.ts',
      `import type { Row } from '../core/types.ts'\nimport { CoatcheckError } from '../core/errors.ts'\nimport 'node:sqlite'`,
    ],
    ['src/migrate/planted.ts', `import { inflateSync } from 'node:zlib'`],
    ['src/index.ts', `export { createSessions } from './http/sessions.ts'`],
    ['src/cli/planted.ts', `import { createSessions } from '../index.ts'`],
  ])('and leaves %s: %s', (file, text) => {
    expect(badImports(file, text)).toEqual([])
  })
})
