import { html, type Html } from './html.ts'
import { ticket } from './ticket.ts'

export function messagesCard(): Html {
  return ticket({
    anchor: 'messages',
    heading: 'A message for the next page',
    says: 'Leave a note. It waits in the session, shows at the foot of the next page, and is never seen again.',
    body: html`<form method="post" action="/messages" class="fields">
      <label>Message <input name="message" required maxlength="200" autocomplete="off" value="Your coat is ready." /></label>
      <button class="primary">Leave it</button>
    </form>`,
    promise: html`<strong>Read exactly once.</strong> Taking messages out is committed before they are handed to the page, so of two tabs
      loading together only one shows them.`,
    source: `s.flash('Your coat is ready.')
res.redirect(303, '/')
await s.flashes() // on the next page`,
  })
}
