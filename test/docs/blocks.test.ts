import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allBlocks, type Block, blocksOf, examplesOf } from '../../scripts/doc-blocks.ts'
import { run } from '../../scripts/run.ts'
import { root, textOf } from '../../scripts/source.ts'

mkdirSync(join(root, '.tmp'), { recursive: true })
const folder = mkdtempSync(join(root, '.tmp', 'docs-'))
const blocks = allBlocks()
const programs = blocks.filter(({ language }) => language === 'ts')
const commands = blocks.filter(({ language }) => language === 'sh')
const data = blocks.filter(({ language }) => language === 'json')
const quoted = new Set(['text', 'http', 'sql', 'html', 'nginx', 'yaml', 'python', 'php', 'lua'])

const title = ({ file, line, heading }: Block) => `${file}:${line} ${heading}`
const fileOf = ({ file, line }: Block) => `${file.replaceAll('/', '~')}-${line}.ts`
const programOf = (block: Block) => join(folder, fileOf(block))

/** Most take a fifth of a second; two of them run a whole contract, and the machine may be busy. */
const blockMsMax = 120_000

/** What the compiler says, a line for each error. */
let complaints: string[] = []

beforeAll(async () => {
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false, moduleDetection: 'force' }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'] }))
  // Blank lines in front, so that an error names the line of the document.
  for (const block of programs) writeFileSync(programOf(block), '\n'.repeat(block.line - 1) + block.code)
  if (programs.length > 0) complaints = (await run('tsc', ['-p', folder, '--pretty', 'false'])).output.split('\n')
})

afterAll(() => rmSync(folder, { recursive: true }))

describe.concurrent('a ts block type-checks and runs', { timeout: 2 * blockMsMax }, () => {
  test.each(programs.map((block) => [title(block), block] as const))('%s', async (_title, block) => {
    expect(complaints.filter((line) => line.includes(fileOf(block)))).toEqual([])
    const own = mkdtempSync(join(folder, 'cwd-'))
    const { code, output } = await run(process.execPath, [join(root, 'scripts/run-block.ts'), programOf(block)], {
      cwd: own,
      timeoutMs: blockMsMax,
    })
    expect(code, output).toBe(0)
  })
})

test('the compiler got as far as the blocks', () => {
  expect(complaints.filter((line) => line.startsWith('error'))).toEqual([])
})

test.each(commands.map((block) => [title(block), block] as const))('a sh block names commands that exist: %s', (_title, { code }) => {
  expect(unknownCommands(code)).toEqual([])
})

test.each(data.map((block) => [title(block), block] as const))('a json block parses: %s', (_title, { code }) => {
  expect(() => JSON.parse(code) as unknown).not.toThrow()
})

test('every other block is fenced as text that nobody runs', () => {
  const checked = new Set(['ts', 'sh', 'json', ...quoted])
  expect(blocks.filter(({ language }) => !checked.has(language)).map((block) => `${title(block)}: \`\`\`${block.language}`)).toEqual([])
})

/** npm scripts and files of a shell text that the repository does not have. */
function unknownCommands(shell: string): string[] {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts?: Record<string, string> }
  const lines = shell.split('\n').flatMap((line) =>
    line
      .replace(/(^|\s)#.*/, '')
      .replace(/^\$ /, '')
      .split(/&&|\||;/),
  )
  return lines.filter((line) => {
    const [program, verb = '', argument = ''] = line.trim().split(/\s+/)
    if (program === 'node') return /\.[jt]s$/.test(verb) && !existsSync(join(root, verb))
    if (program !== 'npm') return false
    const script = verb === 'run' ? argument : verb === 'test' || verb === 'start' ? verb : null
    return script !== null && scripts?.[script] === undefined
  })
}

describe('the extraction', () => {
  const markdown = '# A\n\n```ts\nconst a = 1\n```\n\n## B\n\n1. so:\n\n   ```sh\n   npm test\n   ```\n'

  test('finds blocks with heading, line, language and code', () => {
    expect(blocksOf('a.md', markdown)).toEqual([
      { file: 'a.md', heading: 'A', line: 4, language: 'ts', code: 'const a = 1' },
      { file: 'a.md', heading: 'B', line: 12, language: 'sh', code: 'npm test' },
    ])
  })

  test('finds them in docstrings, under the name they belong to', () => {
    const source =
      'const x = 1\n\n/**\n * Doubles.\n *\n * @example\n * ```ts\n * f(1)\n * ```\n */\nexport async function f(n: number) {}\n'
    expect(examplesOf('a.ts', source)).toEqual([{ file: 'a.ts', heading: 'f', line: 8, language: 'ts', code: 'f(1)' }])
  })

  test('refuses a block that is never closed', () => {
    expect(() => blocksOf('a.md', 'x\n```ts\n')).toThrow('a.md:3')
  })

  test('knows which commands do not exist', () => {
    expect(unknownCommands('npm run no-such-script')).toHaveLength(1)
    expect(unknownCommands('npm ci && node scripts/no-such-file.ts # why')).toHaveLength(1)
    expect(unknownCommands('$ node scripts/check-node.js\nnpm install coatcheck')).toEqual([])
  })
})
