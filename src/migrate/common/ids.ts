/** Systems that keep their sessions in a store, and an id in the cookie. */
import type { MoveInWhy } from '../../http/move-in.ts'
import { invalid } from './reader.ts'

/** 96 bits of base64url or more, a UUID, hex: what session libraries make. */
const usual = /[\w-]{16,128}/

/** A test for a whole id; nothing else reaches a store. Throws `config_invalid`. */
export function idTest(reader: string, id: RegExp = usual): (text: string) => boolean {
  if (!(id instanceof RegExp)) throw invalid(`${reader}: id must say what a session id looks like; write for example /[0-9a-f]{32}/`)
  const whole = new RegExp(`^(?:${id.source})$`, id.flags.replace(/[gmy]/g, ''))
  return (text) => whole.test(text)
}

/** The `load` of a walk's ticket whose id no cookie could name: the reader's `id` may be wrong, so it is told of. */
export function strangeId(because?: (why: MoveInWhy) => void): null {
  because?.('strange_id')
  return null
}

/** The options of a system whose sessions are in the cookie or in a store, and whose cookies are signed or not. */
export interface Proof {
  readonly id?: RegExp
  readonly allowUnsignedIds?: true
}

/** Throws `config_invalid` where nothing would prove what the cookie says, unless an id alone may open a session. */
export function checkProof(
  reader: string,
  { id, allowUnsignedIds }: Proof,
  store: object | null,
  keys: { name: string; given: boolean },
): void {
  const wrong =
    store === null && id !== undefined
      ? 'id says what the ids in a store look like; it goes with one'
      : allowUnsignedIds !== undefined && allowUnsignedIds !== true
        ? 'allowUnsignedIds can only be true'
        : allowUnsignedIds && store === null
          ? `a cookie that holds its session and is not signed can be written by anybody; write ${keys.name}, or take nothing over`
          : allowUnsignedIds && keys.given
            ? `with ${keys.name} every cookie is signed; leave allowUnsignedIds out`
            : null
  if (wrong !== null) throw invalid(`${reader}: ${wrong}`)
}
