import { html, type Html } from './html.ts'

const comment = /(\/\/.*)$/
const token = /('[^']*')|\b(await|const|if|for|of)\b/

/** A few lines of TypeScript with comments, strings and keywords told apart. */
export function code(source: string): Html {
  const lines = source.trim().split('\n')
  return html`<pre class="code"><code>${lines.map((line, i) => [i > 0 && '\n', codeLine(line)])}</code></pre>`
}

function codeLine(line: string): Html {
  const [statement = '', remark] = line.split(comment)
  const parts = statement.split(token).filter((part) => part !== undefined)
  return html`${parts.map(codePart)}${remark !== undefined && html`<i>${remark}</i>`}`
}

function codePart(part: string): Html | string {
  if (part.startsWith("'")) return html`<span class="s">${part}</span>`
  return /^(await|const|if|for|of)$/.test(part) ? html`<b>${part}</b>` : part
}

const jsonToken = /("(?:[^"\\]|\\.)*"(?:\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\btrue\b|\bfalse\b|\bnull\b)/

/** JSON with its parts told apart; texts named in `marks` get that class, so that the eye finds them again elsewhere. */
export function json(text: string, marks: ReadonlyMap<string, string>): Html {
  return html`${text.split(jsonToken).map((part) => jsonPart(part, marks))}`
}

function jsonPart(part: string, marks: ReadonlyMap<string, string>): Html | string {
  if (part.endsWith(':')) return html`<span class="k">${part}</span>`
  if (!part.startsWith('"')) return /\w/.test(part) ? html`<span class="n">${part}</span>` : part
  const mark = marks.get(part.slice(1, -1))
  return mark === undefined ? html`<span class="s">${part}</span>` : html`"<mark class="${mark}">${part.slice(1, -1)}</mark>"`
}
