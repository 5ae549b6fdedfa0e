import type { Flash } from '../view.ts'
import { html, type Html } from './html.ts'

/** The cards of the page, in their order: `[anchor, name]`. Numbers are positions. */
export const cards = [
  ['counter', 'Counter'],
  ['variables', 'Variables'],
  ['cart', 'Cart'],
  ['messages', 'Messages'],
  ['devices', 'Devices'],
  ['fifty', 'Fifty'],
] as const

export interface Frame {
  readonly title: string
  /** Who is signed in; `undefined` where nobody looked. */
  readonly user?: string | null
  readonly flashes: readonly Flash[]
  readonly hero: Html
  readonly body: Html
}

export function layout({ title, user, flashes, hero, body }: Frame): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <link rel="icon" href="/hanger.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/style.css" />
        <link rel="stylesheet" href="/wall.css" />
        <link rel="stylesheet" href="/ticket.css" />
        <link rel="stylesheet" href="/cards.css" />
        <link rel="stylesheet" href="/things.css" />
        <script type="module" src="/fifty.js"></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the counter</a>
        <header class="wall">
          <div class="width bar">
            <a class="wordmark" href="/">${hanger} coatcheck</a>
            ${user !== undefined && who(user)}
          </div>
          <div class="width">${hero}</div>
          ${rail}
        </header>
        <main id="main" class="width">${body}</main>
        ${slips(flashes)}
        <footer class="width foot">
          <p>
            This is a demo: it speaks plain HTTP on your own machine, so its cookies go without <code>Secure</code> and
            <code>__Host-</code>. Leave that setting out of yours and you have both.
          </p>
        </footer>
      </body>
    </html>`
}

const hanger = html`<svg class="hanger" viewBox="0 0 48 32" aria-hidden="true" focusable="false">
  <path d="M24 12c0-3 4-3.4 4-6.6A4 4 0 0 0 20 5M24 12 4.5 24.4C2.6 25.7 3.4 28 5.6 28h36.8c2.2 0 3-2.3 1.1-3.6z" />
</svg>`

const rail = html`<nav class="rail" aria-label="Tickets on this page">
  <ol class="width">
    ${cards.map(
      ([anchor, name], i) =>
        html`<li>
          <a href="/#${anchor}"><span class="tag">${i + 1}</span> <span>${name}</span></a>
        </li>`,
    )}
  </ol>
</nav>`

function who(user: string | null): Html {
  return user === null
    ? html`<p class="who">Nobody is signed in here. <a href="/#devices">Sign in</a></p>`
    : html`<p class="who">Signed in as <strong>${user}</strong></p>`
}

function slips(flashes: readonly Flash[]): Html | false {
  if (flashes.length === 0) return false
  return html`<dialog open class="slips" aria-label="Flash messages">
    <div role="status">
      ${flashes.map(({ message }) => html`<p class="slip">${message}</p>`)}
      <p class="once">A flash message: shown once, and taken out of the store for it.</p>
    </div>
    <form method="dialog"><button aria-label="Put the message away">×</button></form>
  </dialog>`
}
