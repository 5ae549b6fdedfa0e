import { filesUnder, textOf } from './source.ts'

/** A fenced block of a document, or of an `@example` in a docstring. */
export interface Block {
  readonly file: string
  /** 1-based line of the first line of code. */
  readonly line: number
  /** The heading the block stands under, or the name the docstring belongs to. */
  readonly heading: string
  readonly language: string
  readonly code: string
}

const fence = /^( *)```(.*)$/

export interface Place {
  /** Stands until the text has a heading of its own. */
  readonly heading?: string
  /** Lines of the file in front of the text. */
  readonly linesBefore?: number
}

/** Every fenced block of a markdown text, in order. */
export function blocksOf(file: string, markdown: string, place: Place = {}): Block[] {
  const found: Block[] = []
  let heading = place.heading ?? ''
  let open: { indent: number; language: string; line: number; code: string[] } | null = null
  for (const [at, text] of markdown.split('\n').entries()) {
    const [, indent = '', language = ''] = fence.exec(text) ?? []
    if (open && fence.test(text)) {
      found.push({ file, heading, line: open.line, language: open.language, code: open.code.join('\n') })
      open = null
    } else if (open) open.code.push(text.slice(open.indent))
    else if (fence.test(text))
      open = { indent: indent.length, language: language.trim(), line: (place.linesBefore ?? 0) + at + 2, code: [] }
    else if (/^#+ /.test(text)) heading = text.replace(/^#+ /, '')
  }
  if (open) throw new Error(`${file}:${open.line} the block is never closed`)
  return found
}

const docstring = /^[ \t]*\/\*\*[\s\S]*?\*\//gm

/** The fenced blocks in the docstrings of a source; the heading is the line the docstring stands above. */
export function examplesOf(file: string, source: string): Block[] {
  return [...source.matchAll(docstring)].flatMap(({ 0: comment, index }) => {
    const markdown = comment.replaceAll(/^[ \t]*(\/\*\*|\*\/|\*) ?/gm, '')
    const linesBefore = source.slice(0, index).split('\n').length - 1
    const below = source.slice(index + comment.length).trimStart()
    return blocksOf(file, markdown, { heading: nameIn(below.split('\n')[0] ?? ''), linesBefore })
  })
}

/** `export class Session<Data> {` and `  signIn(user: string) {` by their names. */
function nameIn(line: string): string {
  return (
    /(?:(?:export|default|declare|async|static|readonly|abstract|function|class|interface|type|const|get|set)\s+)*([#\w$]+)/.exec(
      line,
    )?.[1] ?? line
  )
}

/** Every block of README.md, docs/ and the docstrings of src/. */
export function allBlocks(): Block[] {
  const documents = [...filesUnder('.').filter((file) => !file.includes('/')), ...filesUnder('docs')].filter((file) => file.endsWith('.md'))
  return [
    ...documents.flatMap((file) => blocksOf(file, textOf(file))),
    ...filesUnder('src').flatMap((file) => examplesOf(file, textOf(file))),
  ]
}
