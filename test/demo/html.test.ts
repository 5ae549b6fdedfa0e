import { expect, test } from 'vitest'
import { code, json } from '../../demo/pages/code.ts'
import { html } from '../../demo/pages/html.ts'
import { figure, moment } from '../../demo/pages/ticket.ts'

test('A-03 text is escaped, in elements and in attributes', () => {
  const nasty = `<script>alert("1")</script>'&`
  const escaped = '&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#39;&#38;'
  expect(String(html`<p title="${nasty}">${nasty}</p>`)).toBe(`<p title="${escaped}">${escaped}</p>`)
})

test('A-03 a value that only looks like HTML of ours is escaped too', () => {
  const forged = { toString: () => '<b>' }
  expect(String(html`${forged as unknown as string}`)).not.toContain('<b>')
})

test('HTML inside HTML stays, lists are joined, and nothing is nothing', () => {
  expect(String(html`${[1, 2].map((n) => html`<b>${n}</b>`)}`)).toBe('<b>1</b><b>2</b>')
  expect(String(html`${null}${undefined}${false}${0}${''}`)).toBe('0')
})

test('code tells strings, keywords and remarks apart and changes no character', () => {
  const source = `const s = await f('a <b>') // then\nif (s > 1) s.g()`
  const shown = String(code(source))
  expect(textOf(shown)).toBe(source)
  expect(shown).toContain('<b>await</b>')
  expect(shown).toContain('<i>// then</i>')
})

test('JSON is shown as it is, keys and texts told apart, and what is marked is marked', () => {
  const text = '{"id":"abc","note":"<i> \\" \\\\","n":[-1.5e3,true,null]}'
  const shown = String(json(text, new Map([['abc', 'id']])))
  expect(textOf(shown)).toBe(text)
  expect(shown).toContain('"<mark class="id">abc</mark>"')
  expect(shown).toContain('<span class="k">&#34;id&#34;:</span>')
  expect(shown).toContain('<span class="n">-1.5e3</span>')
})

test('figures and moments read like a sentence', () => {
  expect(figure(4096)).toBe('4,096')
  const now = Date.UTC(2026, 0, 2)
  expect(textOf(String(moment(now - 500, now)))).toBe('just now')
  expect(textOf(String(moment(now - 60_000, now)))).toBe('1 minute ago')
  expect(textOf(String(moment(now + 3 * 3_600_000, now)))).toBe('in 3 hours')
  expect(textOf(String(moment(now - 86_400_000, now)))).toBe('yesterday')
})

/** What a browser would show of a piece of HTML. */
function textOf(shown: string): string {
  return shown.replace(/<[^>]*>/g, '').replace(/&#(\d+);/g, (_, point: string) => String.fromCharCode(Number(point)))
}
