/** The carrier without a store: the whole session, encrypted, in the cookie. Last response wins, and nothing can be revoked. */
import { decodeBody, emptyState, encodeBody, type State } from './body.ts'
import { isEmpty, replay, type Change } from './change.ts'
import { holdsNothing, reject, type Held, type Keeper, type KeeperConfig, type SaveOptions, type Saved } from './keeper.ts'
import { endedBy, nextExpiry, touchDue } from './lifetime.ts'
import type { Seals } from './seal.ts'

/** A session out of a sealed token. */
export interface Unsealed extends Held {
  readonly sealedAt: number
  /** Sealed with an older key than the ring's newest. */
  readonly stale: boolean
}

/** Opens the one genuine, living session among the tokens. Everything else is an event. */
export function unseal(config: KeeperConfig, seals: Seals, tokens: readonly string[] | null): Unsealed | null {
  if (tokens === null) return reject(config, 'ambiguous', null)
  let found: Unsealed | null = null
  for (const token of tokens) {
    const opened = seals.read(token, config.clock())
    if (typeof opened === 'string') {
      reject(config, opened, null)
      continue
    }
    const copy = readCopy(opened.text, opened.stale)
    if (copy === null) reject(config, 'unreadable', null)
    else if (found !== null) return reject(config, 'ambiguous', null)
    else found = copy
  }
  if (found === null) return null
  const ended = endedBy(found.state, found.expiresAt, config.clock(), config.lifetime)
  return ended === null ? found : reject(config, ended, found.state.id)
}

/** Seals a state used now. */
export function sealState(config: KeeperConfig, seals: Seals, state: State): { readonly token: string; readonly held: Held } {
  const nowMs = config.clock()
  const expiresAt = nextExpiry(state.createdAt, nowMs, config.lifetime)
  const token = seals.write(`${JSON.stringify([state.id, state.user, expiresAt, nowMs])}\n${encodeBody(state)}`, nowMs)
  return { token, held: { state, expiresAt, version: null, secret: null } }
}

export class SealedKeeper implements Keeper {
  readonly tokenCarriesData = true
  readonly #config: KeeperConfig
  readonly #seals: Seals

  constructor(config: KeeperConfig, seals: Seals) {
    this.#config = config
    this.#seals = seals
  }

  async open(tokens: readonly string[] | null): Promise<Held | null> {
    const copy = unseal(this.#config, this.#seals, tokens)
    return copy === null ? null : { ...copy, state: await this.#config.schema.upgrade(copy.state) }
  }

  saveNow(held: Held | null, change: Change): Saved | null {
    const { clock, lifetime } = this.#config
    if (!isEmpty(change) || (held !== null && touchDue(held.state.createdAt, held.expiresAt, clock(), lifetime))) return null
    return { outcome: 'untouched', held, token: null, before: held?.state ?? null }
  }

  async save(held: Held | null, change: Change, options: SaveOptions): Promise<Saved> {
    const { clock, terms, schema, lifetime, emit, name } = this.#config
    const nowMs = clock()
    const before = held?.state ?? null
    const base = before ?? { ...emptyState(nowMs, schema.version), id: options.newId }
    if (change.destroy) {
      if (before !== null) emit({ type: 'destroyed', name, id: base.id, user: base.user })
      return { outcome: before === null ? 'untouched' : 'erased', held: null, token: before === null ? null : 'forget', before }
    }
    const state = replay(base, change, options.opened, nowMs, terms)
    const due = held !== null && touchDue(base.createdAt, held.expiresAt, nowMs, lifetime)
    if (before === null ? holdsNothing(state) : state === base && change.rotateGraceMs === null && !due) {
      return { outcome: 'untouched', held, token: null, before }
    }
    await schema.check(state)
    const sealed = sealState(this.#config, this.#seals, state)
    if (before === null) emit({ type: 'created', name, id: state.id, user: state.user })
    if (change.signIn !== null) emit({ type: 'signed_in', name, id: state.id, user: change.signIn.user })
    return { outcome: state === base && due ? 'slid' : 'stored', ...sealed, before }
  }
}

function readCopy(text: string, stale: boolean): Unsealed | null {
  const end = text.indexOf('\n')
  try {
    const [id, user, expiresAt, sealedAt] = JSON.parse(text.slice(0, end)) as unknown[]
    if (typeof id !== 'string' || typeof expiresAt !== 'number' || typeof sealedAt !== 'number') return null
    const state = decodeBody(text.slice(end + 1), id, typeof user === 'string' ? user : null)
    return state === null ? null : { state, expiresAt, version: null, secret: null, sealedAt, stale }
  } catch {
    return null
  }
}
