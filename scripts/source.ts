import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync, Visitor } from 'oxc-parser'

/** The repository's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const notTracked = new Set([
  '.git',
  ...readFileSync(join(root, '.gitignore'), 'utf8')
    .split('\n')
    .map((line) => line.trim().replace(/\/$/, '')),
])

/** The files git would track under a folder, relative to the root, with `/` between folders. */
export function filesUnder(folder: string): string[] {
  const found: string[] = []
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = posix.join(folder, entry.name)
    if (notTracked.has(entry.name) || entry.name.endsWith('.tgz')) continue
    if (entry.isDirectory()) found.push(...filesUnder(path))
    else found.push(path)
  }
  return found.toSorted()
}

export function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** Module specifiers a source imports or re-exports: static, dynamic and in types. Comments and strings do not count. */
export function importsOf(file: string, text: string): string[] {
  const { module, program } = parse(file, text)
  const found = module.staticImports.map((one) => one.moduleRequest.value)
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest } of entries) if (moduleRequest) found.push(moduleRequest.value)
  }
  for (const { moduleRequest } of module.dynamicImports)
    found.push(text.slice(moduleRequest.start, moduleRequest.end).replaceAll(/^['"`]|['"`]$/g, ''))
  new Visitor({ TSImportType: (node) => void found.push(node.source.value) }).visit(program)
  return [...new Set(found)]
}

/** Names a source exports, types included; `*` stands for everything of another module. */
export function exportsOf(file: string, text: string): { readonly name: string; readonly from: string }[] {
  const entries = parse(file, text).module.staticExports.flatMap((one) => one.entries)
  return entries.map(({ exportName, moduleRequest }) => ({
    name: exportName.name ?? (exportName.kind === 'Default' ? 'default' : '*'),
    from: moduleRequest?.value ?? '',
  }))
}

export interface FunctionSize {
  readonly name: string
  readonly line: number
  readonly lines: number
}

/** Every function, method and arrow of a source with the lines it spans. */
export function functionsOf(file: string, text: string): FunctionSize[] {
  const found: FunctionSize[] = []
  const note = (node: { start: number; end: number }) => {
    const line = text.slice(0, node.start).split('\n').length
    found.push({
      name: text.slice(node.start, node.end).split('\n')[0] ?? '',
      line,
      lines: text.slice(node.start, node.end).split('\n').length,
    })
  }
  new Visitor({ FunctionDeclaration: note, FunctionExpression: note, ArrowFunctionExpression: note }).visit(parse(file, text).program)
  return found
}

/** Every regular expression written in a source, by its pattern and flags. */
export function patternsOf(file: string, text: string): { readonly source: string; readonly flags: string }[] {
  const found: { source: string; flags: string }[] = []
  new Visitor({
    Literal: (node) => {
      if ('regex' in node && node.regex) found.push({ source: node.regex.pattern, flags: node.regex.flags })
    },
  }).visit(parse(file, text).program)
  return found
}

/** Texts of all string literals and of the fixed parts of templates, in order. */
export function stringsOf(file: string, text: string): string[] {
  return stringRanges(parse(file, text)).map(([start, end]) => text.slice(start, end))
}

/** The source with comments and the insides of strings blanked, so that a search finds code only. Lines keep their numbers. */
export function codeOf(file: string, text: string): string {
  const parsed = parse(file, text)
  const comments = parsed.comments.map(({ start, end }): Range => [start, end])
  let code = text
  for (const [start, end] of [...comments, ...stringRanges(parsed)]) {
    code = code.slice(0, start) + code.slice(start, end).replaceAll(/[^\n]/g, ' ') + code.slice(end)
  }
  return code
}

type Range = readonly [start: number, end: number]

function stringRanges({ program }: ReturnType<typeof parse>): Range[] {
  const found: Range[] = []
  new Visitor({
    Literal: (node) => void (typeof node.value === 'string' && found.push([node.start + 1, node.end - 1])),
    TemplateElement: (node) => void found.push([node.start + 1, node.end - (node.tail ? 1 : 2)]),
  }).visit(program)
  return found
}

function parse(file: string, text: string) {
  const parsed = parseSync(file, text, { lang: 'ts', astType: 'ts' })
  const [error] = parsed.errors
  if (error) throw new Error(`${file}: ${error.message}`)
  return parsed
}
