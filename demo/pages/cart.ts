import { goods } from '../goods.ts'
import { html, type Html } from './html.ts'
import { button, figure, ticket } from './ticket.ts'
import type { Cart, View } from '../view.ts'

const cookieBytesMax = 4096

export function cartCard({ cart }: View): Html {
  return ticket({
    anchor: 'cart',
    heading: 'A cart that outgrows its cookie',
    says: 'It starts inside the cookie, sealed, with no row anywhere. Put in a few trunks: when the cookie would get too big, the cart moves to the store by itself and the cookie becomes a ticket.',
    body: html`${
        cart.items.length === 0
          ? html`<p class="empty">The cart is empty.</p>`
          : html`<ul class="goods">
              ${cart.items.map((item) => html`<li>${item}</li>`)}
            </ul>`
      }
      ${where(cart)}
      <div class="actions">
        ${Object.entries(goods).map(([key, { name, bytes }]) =>
          button('/cart', html`Put in ${name} <small>${figure(bytes)} B</small>`, '', { item: key }),
        )}
        ${cart.items.length > 0 && button('/cart/empty', 'Hand it all back', 'quiet')}
      </div>`,
    promise: html`<strong>Nothing vanishes at 4 KB.</strong> Never a cookie over 4,096 bytes, never data dropped without an error. After the
      move, a saved copy of the old cookie is refused.`,
    source: `cart: { carrier: 'spill', store: sqlite }

const s = await getSession(req, 'cart')
s.update('items', (i = []) => [...i, coat])`,
  })
}

function where({ items, spilled, cookieBytes }: Cart): Html {
  if (items.length === 0) return html`<p class="where">No cookie, no row.</p>`
  const place = spilled
    ? html`<strong>In the store.</strong> It outgrew its cookie, which is now a ticket of ${figure(cookieBytes)} bytes.`
    : html`<strong>In your cookie.</strong> ${figure(cookieBytes)} of at most ${figure(cookieBytesMax)} bytes.`
  return html`<p class="where ${spilled && 'spilled'}" id="cart-where">${place}</p>
    <meter aria-labelledby="cart-where" min="0" max="${cookieBytesMax}" value="${cookieBytes}">${figure(cookieBytes)} bytes</meter>`
}
