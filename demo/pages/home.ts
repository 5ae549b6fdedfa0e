import { cartCard } from './cart.ts'
import { counterCard } from './counter.ts'
import { devicesCard } from './devices.ts'
import { fiftyCard } from './fifty.ts'
import { halves, pegsSection } from './halves.ts'
import { html, type Html } from './html.ts'
import { layout } from './layout.ts'
import { messagesCard } from './messages.ts'
import { variablesCard } from './variables.ts'
import type { View } from '../view.ts'

/** The first words, and the visitor's own ticket beside them. */
function hero({ on, pegs, halves: { token, row }, variables }: View): Html {
  const id = row?.id.slice(0, 6) ?? (on === 'cookie' && token !== null ? 'sealed' : null)
  const things = variables.length === 1 ? 'one thing' : `${variables.length} things`
  return html`<div class="hero">
    <div>
      <h1>Hand it over. Keep the ticket.</h1>
      <p class="lead">
        coatcheck looks after what a visitor hands you between two requests. This page is one small Express app. Do something on a ticket;
        its stub has the promise it keeps and the lines that keep it.
      </p>
    </div>
    <div class="claim">
      <p class="claim-paper">
        <span>Coat check</span>
        <strong>${id ?? 'No ticket'}</strong>
        <span
          >${id === null ? 'You have handed over nothing yet' : html`${things} hung in ${pegs.find((peg) => peg.on === on)?.within}`}</span
        >
      </p>
    </div>
  </div>`
}

export function home(view: View): Html {
  return layout({
    title: 'coatcheck, the demo',
    user: view.user,
    flashes: view.flashes,
    hero: hero(view),
    body: html`${pegsSection(view)} ${halves(view)} ${counterCard(view)} ${variablesCard(view)} ${cartCard(view)} ${messagesCard()}
    ${devicesCard(view)} ${fiftyCard(view)}`,
  })
}
