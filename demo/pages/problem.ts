import { html, type Html } from './html.ts'
import { layout } from './layout.ts'

/** The page for everything that went wrong. */
export function problem(heading: string, explanation: string, code: string | null): Html {
  return layout({
    title: `${heading} · coatcheck`,
    flashes: [],
    hero: html`<h1>${heading}</h1>
      <p class="lead">${explanation}</p>
      ${code !== null && html`<p class="lead">The error’s code is <code>${code}</code>.</p>`}`,
    body: html`<p class="back"><a href="/">Back to the counter</a></p>`,
  })
}
