/** The ways in which a page makes its browser send a request. The functions run in the page. */

export interface Way {
  readonly method: 'GET' | 'POST'
  /** What the browser says of the sender where it is not the page's own origin and site. */
  readonly origin?: 'null'
  readonly site?: 'cross-site'
  readonly run: (url: string) => void
}

const form: Way = {
  method: 'POST',
  run(url) {
    const form = Object.assign(document.createElement('form'), { method: 'POST', action: url, target: '_blank' })
    document.body.append(form)
    form.submit()
  },
}

const formAsText: Way = {
  method: 'POST',
  run(url) {
    const form = Object.assign(document.createElement('form'), { method: 'POST', action: url, target: '_blank', enctype: 'text/plain' })
    document.body.append(form)
    form.submit()
  },
}

const formWithoutReferrer: Way = {
  method: 'POST',
  origin: 'null',
  run(url) {
    const form = Object.assign(document.createElement('form'), { method: 'POST', action: url, target: '_blank', rel: 'noreferrer' })
    document.body.append(form)
    form.submit()
  },
}

const formInFrame: Way = {
  method: 'POST',
  run(url) {
    const frame = Object.assign(document.createElement('iframe'), { name: 'framed' })
    const form = Object.assign(document.createElement('form'), { method: 'POST', action: url, target: 'framed' })
    document.body.append(frame, form)
    form.submit()
  },
}

/** A frame without an origin: of another site, even on a page of our own. */
const formInSandbox: Way = {
  method: 'POST',
  origin: 'null',
  site: 'cross-site',
  run(url) {
    const frame = document.createElement('iframe')
    frame.setAttribute('sandbox', 'allow-forms allow-scripts')
    frame.srcdoc = `<form method="POST" action="${url}"></form><script>document.forms[0].submit()</script>`
    document.body.append(frame)
  },
}

export const ways: Readonly<Record<string, Way>> = {
  form,
  'form as text': formAsText,
  'form without referrer': formWithoutReferrer,
  'form in a frame': formInFrame,
  'form in a sandbox': formInSandbox,
  fetch: { method: 'POST', run: (url) => void fetch(url, { method: 'POST', credentials: 'include' }).catch(() => 'kept from the page') },
  'fetch no-cors': { method: 'POST', run: (url) => void fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include' }) },
  beacon: { method: 'POST', run: (url) => void navigator.sendBeacon(url, 'x') },
  image: { method: 'GET', run: (url) => document.body.append(Object.assign(new Image(), { src: url })) },
  frame: { method: 'GET', run: (url) => document.body.append(Object.assign(document.createElement('iframe'), { src: url })) },
  window: { method: 'GET', run: (url) => void window.open(url) },
}

/** Works while the page is in front: of all ways the first. */
export function prerender(url: string): void {
  const rules = Object.assign(document.createElement('script'), { type: 'speculationrules' })
  rules.textContent = JSON.stringify({ prerender: [{ urls: [url], eagerness: 'immediate' }] })
  document.head.append(rules)
}
