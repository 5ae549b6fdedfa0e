import { html, type Html } from './html.ts'
import { button, ticket } from './ticket.ts'
import type { View } from '../view.ts'

const steps = ['new', '0', '1', '2', '3']

const inStore = html`<strong>A logout is final.</strong> A slow request that began before it cannot bring the session back.`
const inCookie = html`<strong>Gone from this browser.</strong> That is all a sealed cookie can promise: a copy of it works until its time is
  up. With a store, a logout is final.`

export function counterCard({ on, variables }: View): Html {
  const value = variables.find(({ name }) => name === 'counter')?.value
  const now = typeof value === 'number' ? String(value) : 'new'
  return ticket({
    anchor: 'counter',
    heading: 'Count to three',
    says: 'A new visitor gets a session with a 0 in it. Then 1, 2, and with the 3 the session is ended: the row goes, the cookie goes, and so do the variables of ticket 2. The next press starts over.',
    body: html`<ol class="steps">
        ${steps.map((step) =>
          step === now
            ? html`<li aria-current="step"><span class="tag">${step}</span></li>`
            : html`<li><span class="tag hollow">${step}</span></li>`,
        )}
      </ol>
      ${button('/counter', now === 'new' ? 'Open a session' : now === '2' ? 'Count to 3 and end it' : 'Count', 'primary')}`,
    promise: on === 'cookie' ? inCookie : inStore,
    source: `const s = await getSession(req)
s.update('counter', (n = -1) => n + 1)
if (s.get('counter') === 3) s.destroy()`,
  })
}
