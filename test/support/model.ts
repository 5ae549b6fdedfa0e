/** What a session is, told as a sequential object: the specification that recorded histories are held against. */

/** One thing a request does to its session; a commit is several of them at once. */
export type Edit =
  | { readonly kind: 'set'; readonly key: string; readonly value: string }
  | { readonly kind: 'add'; readonly key: string }
  | { readonly kind: 'append'; readonly key: string; readonly item: string }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'clear' }
  | { readonly kind: 'flash'; readonly message: string }
  | { readonly kind: 'signIn'; readonly user: string }
  | { readonly kind: 'rotate' }
  | { readonly kind: 'destroy' }

export type Value = string | number | readonly string[]

/** What a handler sees of a session. */
export interface Seen {
  readonly user: string | null
  readonly values: Readonly<Record<string, Value>>
}

/** What was asked for, and what was answered. */
export type Action =
  /** `saw: null`: the ticket opened nothing. */
  | { readonly kind: 'read'; readonly saw: Seen | null }
  /** `ticket`: the one that came with the answer. `late`: edits after the response began, acknowledged without a word. */
  | {
      readonly kind: 'commit'
      readonly edits: readonly Edit[]
      readonly outcome: 'stored' | 'untouched' | 'slid' | 'erased' | 'gone' | 'discarded' | 'late'
      readonly ticket: string | null
    }
  | { readonly kind: 'take'; readonly key: string; readonly got: Value | undefined }
  | { readonly kind: 'flashes'; readonly got: readonly string[] }
  /** `revoke`: found it, or found nothing. */
  | { readonly kind: 'end'; readonly found: boolean }
  /** The clock jumped over the end of the session: from some moment on it may be over. */
  | { readonly kind: 'expire' }

export interface Model extends Seen {
  readonly alive: boolean
  /** The newest ticket, and the one before a rotation. Both open the session. */
  readonly current: string
  readonly previous: string | null
  readonly flashes: readonly string[]
}

/** A session as it is right after it was created. */
export function born(ticket: string, seen: Seen): Model {
  return { alive: true, current: ticket, previous: null, flashes: [], ...seen }
}

/** Whether two models are the same to everybody. */
export function keyOf(model: Model): string {
  const { alive, user, values, current, previous, flashes } = model
  return alive ? JSON.stringify([user, sorted(values), current, previous, flashes]) : 'dead'
}

function sorted(values: Seen['values']): [string, Value][] {
  return Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

/** Whether an action that was answered like this changed nothing, whenever it was. */
export function isRead(action: Action): boolean {
  switch (action.kind) {
    case 'read':
      return true
    case 'take':
      return action.got === undefined
    case 'flashes':
      return action.got.length === 0
    case 'end':
      return !action.found
    case 'expire':
      return false
    case 'commit':
      return ['untouched', 'slid', 'gone', 'discarded'].includes(action.outcome)
  }
}

/** The model after an action that was answered like this; `null` when the session could not have answered so. */
export function after(model: Model, ticket: string, action: Action): Model | null {
  const may = model.alive && (ticket === model.current || ticket === model.previous)
  switch (action.kind) {
    case 'read':
      if (action.saw === null) return may ? null : model
      return may && sameSeen(action.saw, model) ? model : null
    case 'take':
      if (action.got === undefined) return may && Object.hasOwn(model.values, action.key) ? null : model
      return may && JSON.stringify(model.values[action.key]) === JSON.stringify(action.got) ? without(model, action.key) : null
    case 'flashes':
      if (!may) return action.got.length === 0 ? model : null
      return JSON.stringify(model.flashes) === JSON.stringify(action.got) ? withFlashes(model, []) : null
    case 'end':
      return action.found ? { ...model, alive: false } : model.alive ? null : model
    case 'expire':
      return { ...model, alive: false }
    case 'commit':
      return afterCommit(model, ticket, may, action)
  }
}

/** The model after an action nobody knows the end of, if it took effect; `private` names a ticket that got lost. */
export function afterUnknown(model: Model, ticket: string, action: Action, lost: string): Model {
  const may = model.alive && (ticket === model.current || ticket === model.previous)
  if (action.kind === 'end' || action.kind === 'expire' || isDestroy(action)) return { ...model, alive: false }
  if (!may) return model
  if (action.kind === 'take') return without(model, action.key)
  if (action.kind === 'flashes') return withFlashes(model, [])
  return action.kind === 'commit' ? withEdits(model, ticket, action.edits, lost) : model
}

function isDestroy(action: Action): boolean {
  return action.kind === 'commit' && action.edits.some(({ kind }) => kind === 'destroy')
}

function afterCommit(model: Model, ticket: string, may: boolean, action: Action & { kind: 'commit' }): Model | null {
  const { edits, outcome } = action
  switch (outcome) {
    case 'discarded':
      return action.ticket === null ? model : null
    case 'gone':
      // Who asked for the end has the cookie taken away, whatever became of the session.
      return may || (action.ticket !== null && !isDestroy(action)) ? null : model
    case 'late':
      return may ? withEdits(model, ticket, edits, '') : model
    case 'erased':
      // A store deletes unconditionally: whoever could open the session may end it, even when a sign-in came in between.
      return { ...model, alive: false }
    case 'untouched':
    case 'slid': {
      const same = may && action.ticket === null && keyOf(withEdits(model, ticket, edits, '')) === keyOf(model)
      return same ? model : null
    }
    case 'stored': {
      const signsIn = edits.some(({ kind }) => kind === 'signIn')
      const rotates = ticket === model.current && edits.some(({ kind }) => kind === 'rotate')
      // A rotation that was written together with a sign-in behind it keeps its ticket to itself: it opens nothing any more.
      const right = action.ticket === null ? !signsIn : signsIn || rotates
      return may && right ? withEdits(model, ticket, edits, action.ticket ?? 'kept back') : null
    }
  }
}

function withEdits(model: Model, ticket: string, edits: readonly Edit[], newTicket: string): Model {
  let next = model
  for (const edit of edits) next = withEdit(next, ticket, edit, newTicket)
  return next
}

function withEdit(model: Model, ticket: string, edit: Edit, newTicket: string): Model {
  const { values } = model
  switch (edit.kind) {
    case 'set':
      return { ...model, values: { ...values, [edit.key]: edit.value } }
    case 'add':
      return { ...model, values: { ...values, [edit.key]: Number(values[edit.key] ?? 0) + 1 } }
    case 'append':
      return { ...model, values: { ...values, [edit.key]: [...((values[edit.key] as string[] | undefined) ?? []), edit.item] } }
    case 'delete':
      return without(model, edit.key)
    case 'clear':
      return { ...model, values: {} }
    case 'flash':
      return withFlashes(model, [...model.flashes, edit.message])
    case 'destroy':
      return { ...model, alive: false }
    case 'rotate':
      return ticket === model.current ? { ...model, current: newTicket, previous: model.current } : model
    case 'signIn': {
      const kept = model.user === null || model.user === edit.user ? values : {}
      return { ...model, user: edit.user, values: kept, flashes: kept === values ? model.flashes : [], current: newTicket, previous: null }
    }
  }
}

function without(model: Model, key: string): Model {
  return { ...model, values: Object.fromEntries(Object.entries(model.values).filter(([one]) => one !== key)) }
}

function withFlashes(model: Model, flashes: readonly string[]): Model {
  return { ...model, flashes }
}

function sameSeen(a: Seen, b: Seen): boolean {
  return a.user === b.user && JSON.stringify(sorted(a.values)) === JSON.stringify(sorted(b.values))
}
