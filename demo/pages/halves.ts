import type { Halves, Variable, View } from '../view.ts'
import { json } from './code.ts'
import { html, type Html, type Slot } from './html.ts'
import { figure, moment } from './ticket.ts'

const words = ['no', 'one', 'two', 'three', 'four']

/** The pegs: one page, three places or more to keep what it is given. */
export function pegsSection({ on, pegs }: View): Html {
  return html`<section class="pegs" aria-labelledby="pegs-title">
    <h2 id="pegs-title">Where shall we hang it?</h2>
    <p>Same page, same code, ${words[pegs.length]} places, chosen by a name. Each keeps what you gave it while you are at another.</p>
    <form method="post" action="/switch">
      ${pegs.map(
        (peg) =>
          html`<button class="peg" name="on" value="${peg.on}" aria-pressed="${peg.on === on ? 'true' : 'false'}">
            <strong>${peg.name}</strong> <span>${peg.is}</span>
          </button>`,
      )}
    </form>
  </section>`
}

/** What the browser holds and what the store holds, side by side, torn apart like a coat ticket. */
export function halves(view: View): Html {
  return html`<section class="halves" aria-labelledby="halves-title">
    <h2 id="halves-title">Both halves of your ticket</h2>
    <div class="torn">
      <div class="half yours">
        <div class="sheet">
          <h3>Your browser holds</h3>
          ${yours(view.halves)}
        </div>
      </div>
      <div class="half ours">
        <div class="sheet">
          <h3>Our store holds</h3>
          ${ours(view)}
        </div>
      </div>
    </div>
  </section>`
}

function yours({ cookieName, token, row }: Halves): Html {
  if (token === null) {
    return html`<p class="nothing">Nothing.</p>
      <p>You have stored nothing yet, so you have no cookie. Looking around is free: no ticket, no row, no read.</p>`
  }
  const parts = token.startsWith('t1') && token.length === 100 ? ticketParts(token) : sealedParts(token)
  return html`<p class="cookie"><b>${cookieName}=</b>${parts.map(({ text, kind }) => html`<span class="part ${kind}">${text}</span>`)}</p>
    <dl class="legend">
      ${parts.map(
        ({ kind, name, means }) =>
          html`<div>
            <dt><span class="part ${kind}">${name}</span></dt>
            <dd>${means}</dd>
          </div>`,
      )}
    </dl>
    <p class="size">
      ${figure(cookieName.length + 1 + token.length)} bytes. ${row === null ? 'The sealed part is' : 'The secret is'} dotted out here and in
      this page’s source: scripts cannot read the cookie (<code>HttpOnly</code>), so this page does not tell them.
    </p>`
}

const deadTicket =
  'That ticket opens nothing any more: its session has ended, or this process has started again and what was in memory is gone.'

function opened(variables: readonly Variable[]): Html {
  return html`<p>It is all in your cookie, and only this server can open it. It just did:</p>
    <pre class="body" tabindex="0" aria-label="What the sealed cookie says"><code>${variables.map(({ name, value }, i) => [
      i > 0 && '\n',
      json(`${JSON.stringify(name)}: ${JSON.stringify(value)}`, new Map()),
    ])}</code></pre>`
}

interface Part {
  readonly text: string
  readonly kind: string
  readonly name: string
  readonly means: string
}

function ticketParts(token: string): readonly Part[] {
  return [
    { text: token.slice(0, 8), kind: 'head', name: 'form', means: 'format 1, and which server key signed it' },
    { text: token.slice(8, 32), kind: 'id', name: 'id', means: 'the number on both halves; no secret, fit for logs' },
    { text: '•'.repeat(44), kind: 'secret', name: 'secret', means: '264 random bits; only you have them' },
    { text: token.slice(76), kind: 'mac', name: 'MAC', means: 'forged tickets end here, before any store is asked' },
  ]
}

function sealedParts(token: string): readonly Part[] {
  return [
    { text: token.slice(0, 12), kind: 'head', name: 'form', means: 'format 1, which server key sealed it, and on which day' },
    { text: '•'.repeat(token.length - 12), kind: 'secret', name: 'sealed', means: 'everything you stored, encrypted (AES-256-GCM)' },
  ]
}

function ours({ halves: { row, token }, on, nowMs, variables }: View): Slot {
  if (row === null) {
    const inCookie = on === 'cookie' && token !== null
    return html`<p class="nothing">Nothing.</p>
      ${inCookie ? opened(variables) : html`<p>${token === null ? 'A visitor who stores nothing costs nothing.' : deadTicket}</p>`}`
  }
  const { id, user, expiresAt, version, body } = row
  const [envelope = '{}', ...values] = body.split('\n')
  const { secret } = JSON.parse(envelope) as { secret?: string }
  const marks = new Map([[id, 'id'], ...(secret === undefined ? [] : [[secret, 'hash'] as const])])
  return html`<dl class="row">
      <div>
        <dt>id</dt>
        <dd><mark class="id">${id}</mark></dd>
      </div>
      <div>
        <dt>user</dt>
        <dd>${user ?? 'nobody'}</dd>
      </div>
      <div>
        <dt>ends</dt>
        <dd>${moment(expiresAt, nowMs)}, unless used</dd>
      </div>
      <div>
        <dt>version</dt>
        <dd>${version}</dd>
      </div>
    </dl>
    <pre class="body" tabindex="0" aria-label="The row’s body"><code>${[JSON.stringify(JSON.parse(envelope), null, 2), ...values].map(
      (line, i) => [i > 0 && '\n', json(line, marks)],
    )}</code></pre>
    <p class="size">
      ${figure(Buffer.byteLength(body))} bytes: one line about the session, then one line for each value. It keeps the
      <mark class="hash">SHA-256</mark> of your secret, never the secret: a stolen database signs nobody in.
    </p>`
}
