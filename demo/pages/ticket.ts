import { code } from './code.ts'
import { html, type Html, type Slot } from './html.ts'
import { cards } from './layout.ts'

export interface Ticket {
  readonly anchor: (typeof cards)[number][0]
  readonly heading: string
  /** What happens, in plain words. */
  readonly says: Slot
  /** What a person can do. */
  readonly body: Slot
  /** The guarantee it shows, on the stub. */
  readonly promise: Slot
  /** The lines that do it. */
  readonly source: string
}

/** A card of the page: the ticket to the left of the perforation, its stub with promise and code to the right. */
export function ticket({ anchor, heading, says, body, promise, source }: Ticket): Html {
  const number = cards.findIndex(([name]) => name === anchor) + 1
  return html`<section class="ticket tint-${number}" id="${anchor}" aria-labelledby="${anchor}-title">
    <div class="paper">
      <div class="main">
        <h2 id="${anchor}-title">${heading}</h2>
        <p class="says">${says}</p>
        ${body}
      </div>
      <div class="stub">
        <p class="number" aria-hidden="true">№ ${number}</p>
        <p class="promise">${promise}</p>
        ${code(source)}
      </div>
    </div>
  </section>`
}

/** A form that is one button. */
export function button(action: string, label: Slot, kind = '', fields: Readonly<Record<string, string>> = {}): Html {
  return html`<form method="post" action="${action}">
    ${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
    <button class="${kind}">${label}</button>
  </form>`
}

const numberFormat = new Intl.NumberFormat('en')

/** `1204` → `1,204`. */
export function figure(value: number): string {
  return numberFormat.format(value)
}

/** A moment, to the minute, with how long ago it was. */
export function moment(atMs: number, nowMs: number): Html {
  const at = new Date(atMs)
  return html`<time datetime="${at.toISOString()}">${distance(atMs - nowMs)}</time>`
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

function distance(awayMs: number): string {
  const [unit, unitMs] = units.find(([, ms]) => Math.abs(awayMs) >= ms) ?? ['second', 1000]
  if (unit === 'second') return awayMs > 0 ? 'in under a minute' : 'just now'
  return relative.format(Math.round(awayMs / unitMs), unit)
}
