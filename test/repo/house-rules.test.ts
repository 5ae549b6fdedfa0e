import { describe, expect, test } from 'vitest'
import { codeOf, filesUnder, functionsOf, textOf } from '../../scripts/source.ts'

const linesMax = 250
const functionLinesMax = 60

/** A pattern nobody may write, and what to write instead. `code` leaves comments and strings alone. */
interface Ban {
  readonly pattern: RegExp
  readonly instead: string
  readonly scope: 'code' | 'text'
  readonly folder: RegExp
}

const everySource = /\.ts$/
const library = /^src\//

const bans: readonly Ban[] = [
  { pattern: /(\bas|[:<|,&(]|=>)\s*any\b(?!\s*[:(])/, instead: 'a type, or unknown', scope: 'code', folder: everySource },
  { pattern: /@ts-(ignore|nocheck)/, instead: 'code the compiler accepts', scope: 'text', folder: everySource },
  { pattern: /(es|ox)lint-disable/, instead: 'code the linter accepts', scope: 'text', folder: everySource },
  { pattern: /\beval\s*\(|\bnew\s+Function\b/, instead: 'code instead of text', scope: 'code', folder: everySource },
  { pattern: /\bTO[D]O\b|\bFIX[M]E\b/, instead: 'the thing itself, or an issue', scope: 'text', folder: everySource },
  {
    pattern: /\b(test|it|describe|suite)\.(only|skip|todo|fails)\b|\bx(it|describe)\(/,
    instead: 'a test that runs',
    scope: 'code',
    folder: everySource,
  },
  { pattern: /\.skip\(\s*\)/, instead: "skip('why, and what to install')", scope: 'code', folder: everySource },
  { pattern: /\bcatch\s*(\(\w*\))?\s*\{\s*\}/, instead: 'what the failure means', scope: 'text', folder: everySource },
  { pattern: /\bconsole\./, instead: 'an event (onEvent)', scope: 'code', folder: library },
  { pattern: /\bMath\.random\(/, instead: 'the Random that is passed in', scope: 'code', folder: library },
]

function banned(file: string, text: string): string[] {
  const code = codeOf(file, text)
  return bans.flatMap(({ pattern, instead, scope, folder }) => {
    const line = folder.test(file) ? lineOf(pattern, scope === 'code' ? code : text) : 0
    return line === 0 ? [] : [`${file}:${line} ${pattern} is banned: write ${instead}`]
  })
}

/** The 1-based line of the first match, 0 without one. */
function lineOf(pattern: RegExp, text: string): number {
  const at = text.search(pattern)
  return at === -1 ? 0 : text.slice(0, at).split('\n').length
}

function tooLong(file: string, text: string): string[] {
  const lines = text.trimEnd().split('\n').length
  return [
    ...(lines > linesMax ? [`${file} has ${lines} lines, ${linesMax} are enough for one idea`] : []),
    ...functionsOf(file, text)
      .filter((one) => one.lines > functionLinesMax)
      .map((one) => `${file}:${one.line} ${one.name} spans ${one.lines} lines, ${functionLinesMax} are enough`),
  ]
}

/** A path of somebody's machine: a root folder of a checkout, a home, a scratch folder. */
const machinePath = new RegExp(`(^|[^\\w.@-])/(${['work', 'farm', 'root', 'tmp'].join('|')})\\b|(^|[^\\w.])/(home|Users|opt)/\\w`, 'm')

const sources = filesUnder('.').filter((file) => file.endsWith('.ts'))

test('every source keeps to the bans', () => {
  expect(sources.flatMap((file) => banned(file, textOf(file)))).toEqual([])
})

test(`a file in src has at most ${linesMax} lines, a function at most ${functionLinesMax}`, () => {
  expect(filesUnder('src').flatMap((file) => tooLong(file, textOf(file)))).toEqual([])
})

test('no tracked file names a path of a machine', () => {
  const found = filesUnder('.').map((file) => ({ file, line: lineOf(machinePath, textOf(file)) }))
  expect(found.filter(({ line }) => line > 0).map(({ file, line }) => `${file}:${line}`)).toEqual([])
})

test('the lock file records no download address', () => {
  expect(textOf('package-lock.json')).not.toMatch(/"resolved": *"http/)
})

describe('the checks find what is planted', () => {
  // The underscores keep this file itself clean.
  test.each([
    'const x = y as _any',
    'function f(x: _any) {}',
    'const x: Array<_any> = []',
    'type T = string | _any',
    'let f: () => _any',
    '// @ts-_ignore: later\nf()',
    '/* es_lint-disable no-x */',
    '// ox_lint-disable-next-line\nf()',
    'eval_("1")',
    'const f = new Func_tion("return 1")',
    '// TO_DO write this',
    '/** FIX_ME */',
    'test.on_ly("x", f)',
    'describe.sk_ip("x", f)',
    'it.to_do("x")',
    'context.sk_ip()',
    'try { f() } catch_ {}',
    'try { f() } catch_ (e) {\n}',
    'con_sole.log(1)',
    'const id = Math.ran_dom()',
  ])('%s', (planted) => {
    expect(banned('src/core/planted.ts', planted.replaceAll('_', ''))).toHaveLength(1)
  })

  test.each([
    '/** Throws when any of them is bad: any at all. As any other. */ const x = 1',
    "const text = 'as any console.log(eval(1))'",
    'const many = { any: 1 }; f({ x: many.any })',
    "context.skip('no chromium (apt-get install chromium)')",
    'try { f() } catch { g() }',
  ])('and leaves %s', (fine) => {
    expect(banned('src/core/planted.ts', fine)).toEqual([])
  })

  test('console is for programs, not for the library', () => {
    expect(banned('scripts/planted.ts', 'console.log(1)')).toEqual([])
  })

  test('a long file, a long function, a long method', () => {
    const body = 'f()\n'.repeat(functionLinesMax)
    expect(tooLong('a.ts', 'f()\n'.repeat(linesMax))).toEqual([])
    expect(tooLong('a.ts', 'f()\n'.repeat(linesMax + 1))).toHaveLength(1)
    for (const long of [
      `function g() {\n${body}}`,
      `class C {\n  m() {\n${body}}\n}`,
      `const g = () => {\n${body}}`,
      `const o = { m() {\n${body}} }`,
    ]) {
      expect(tooLong('a.ts', long)).toHaveLength(1)
    }
  })

  test.each(['cd /wo_rk/main', "'/ro_ot/x'", 'file:///tm_p/x', '(/Us_ers/ann/x)', '/ho_me/ann'])('%s', (planted) => {
    expect(lineOf(machinePath, planted.replace('_', ''))).toBe(1)
  })

  test.each(['https://example.com/work', '../work/x', "app.get('/home')", 'path/root'])('and leaves %s', (fine) => {
    expect(lineOf(machinePath, fine)).toBe(0)
  })
})
