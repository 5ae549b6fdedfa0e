import { html, type Html } from './html.ts'
import { ticket } from './ticket.ts'
import type { View } from '../view.ts'

const inStore = html`<strong>50 of 50.</strong> <code>update</code> runs again on the fresh value whenever another request was faster, so a
  counter counts.`
const inCookie = html`<strong>50 of 50, with a store.</strong> A sealed cookie has no place where fifty requests could meet. That is its
  price.`

export function fiftyCard({ on, variables }: View): Html {
  const value = variables.find(({ name }) => name === 'fifty')?.value
  const kept = typeof value === 'number' ? value : 0
  return ticket({
    anchor: 'fifty',
    heading: 'Fifty requests at once',
    says:
      on === 'cookie'
        ? 'Fifty requests each add one to the same number, all together. You hang in the cookie: fifty requests carry fifty copies away, and the last answer wins. Expect far fewer than fifty. Then try it in memory or in SQLite.'
        : 'Fifty requests each add one to the same number, all together, each after a pause of its own. A session layer that writes whole sessions back keeps a few of them.',
    body: html`<form method="post" action="/fifty" id="fifty-form"><button class="primary">Send 50 requests at once</button></form>
      <p class="kept" id="fifty-kept" role="status">${value === undefined ? 'None sent yet.' : `${kept} of 50 kept.`}</p>
      <ol class="dots" aria-hidden="true">
        ${Array.from({ length: 50 }, (_, i) => html`<li class="${i < kept && 'on'}"></li>`)}
      </ol>`,
    promise: on === 'cookie' ? inCookie : inStore,
    source: `const s = await getSession(req)
s.update('fifty', (n = 0) => n + 1)`,
  })
}
