import { html, type Html } from './html.ts'
import { button, moment, ticket } from './ticket.ts'
import type { Device, View } from '../view.ts'

export function devicesCard(view: View): Html {
  return ticket({
    anchor: 'devices',
    heading: 'My devices',
    says:
      view.user === null
        ? 'Type any name: there is no password here, a demo has nothing to protect. Sign in under the same name in a second browser or a private window and watch the list.'
        : 'Each line is a session of yours. Sign one out and its browser is signed out at its very next request. Stop this process and start it again: everybody stays signed in.',
    body: view.user === null ? signIn : signedIn(view.user, view.devices, view.nowMs),
    promise: html`<strong>Signing in changes the secret.</strong> A ticket planted before the sign-in opens nothing after it. Signing out,
      here or from another device, is final.`,
    source: `s.signIn('ada')
await sessions.list('ada')
await sessions.revoke(id)`,
  })
}

const signIn = html`<form method="post" action="/sign-in" class="fields">
  <label>Your name <input name="name" required maxlength="40" autocomplete="nickname" autocapitalize="off" spellcheck="false" /></label>
  <button class="primary">Sign in</button>
</form>`

function signedIn(user: string, devices: readonly Device[], nowMs: number): Html {
  return html`<ul class="devices">
      ${devices.map((device) => line(device, nowMs))}
    </ul>
    <div class="actions">
      ${button('/sign-out', 'Sign out here', 'primary')}
      ${devices.length > 1 && button('/devices/others', 'Sign out everywhere else', 'danger')}
    </div>
    <p class="fine">Signed in as <strong>${user}</strong> on ${devices.length === 1 ? 'one device' : `${devices.length} devices`}.</p>`
}

function line({ id, label, signedInAt, lastUsedAt, isThis }: Device, nowMs: number): Html {
  return html`<li class="${isThis && 'this'}">
    <p><strong>${label}</strong>${isThis && html` <span class="here">this one</span>`}</p>
    <p class="fine">Signed in ${moment(signedInAt, nowMs)}, last used ${moment(lastUsedAt, nowMs)}. <code>${id.slice(0, 6)}…</code></p>
    ${!isThis && button('/devices/sign-out', html`Sign out<span class="hidden"> ${label}, ${id.slice(0, 6)}</span>`, 'danger', { id })}
  </li>`
}
