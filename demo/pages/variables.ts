import { html, type Html } from './html.ts'
import { button, ticket } from './ticket.ts'
import type { View } from '../view.ts'

const inStore = html`<strong>No acknowledged write is lost.</strong> Two tabs that set two variables at the same moment both keep theirs:
  edits are replayed on the newest row, and however many variables there are, reading is one round trip.`
const inCookie = html`<strong>The last response wins.</strong> Two tabs that save at the same moment carry two copies away. With a store, no
  acknowledged write is lost.`

export function variablesCard({ on, variables }: View): Html {
  return ticket({
    anchor: 'variables',
    heading: 'Variables, one by one',
    says: 'A session is a Map. Set and remove one variable at a time; each may carry a shorter life than the session.',
    body: html`${
        variables.length === 0
          ? html`<p class="empty">No variables yet.</p>`
          : html`<table class="variables">
              <caption class="hidden">
                Variables in this session
              </caption>
              <thead>
                <tr>
                  <th scope="col">name</th>
                  <th scope="col">value</th>
                  <th scope="col"><span class="hidden">remove</span></th>
                </tr>
              </thead>
              <tbody>
                ${variables.map(
                  ({ name, value }) =>
                    html`<tr>
                      <th scope="row">${name}</th>
                      <td>${typeof value === 'string' ? value : JSON.stringify(value)}</td>
                      <td>${button('/variables/delete', html`Remove<span class="hidden"> ${name}</span>`, 'quiet', { name })}</td>
                    </tr>`,
                )}
              </tbody>
            </table>`
      }
      <form method="post" action="/variables" class="fields">
        <label>Name <input name="name" required maxlength="300" autocomplete="off" placeholder="colour" /></label>
        <label>Value <input name="value" maxlength="4000" autocomplete="off" placeholder="bottle green" /></label>
        <label
          >Keep it for
          <select name="ttl">
            <option value="">the session</option>
            <option value="10s">10 seconds</option>
            <option value="1m">a minute</option>
          </select></label
        >
        <button class="primary">Set</button>
      </form>`,
    promise: on === 'cookie' ? inCookie : inStore,
    source: `s.set('colour', 'green', { ttl: '10s' })
s.get('colour')
s.delete('colour')`,
  })
}
