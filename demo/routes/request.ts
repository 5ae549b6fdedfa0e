/** What every route asks of a request. */
import type { Request } from 'express'
import { getSession } from 'coatcheck/express'
import type { Cloakroom } from '../sessions.ts'
import type { Backend } from '../view.ts'

/** Which of the places this visitor is looking at. One he chose may be gone: the demo was started without it. */
export async function backendOf(req: Request, { pegs, usual }: Pick<Cloakroom, 'pegs' | 'usual'>): Promise<Backend> {
  const prefs = await getSession<{ on: Backend }>(req, 'prefs')
  const chosen = prefs.get('on')
  return pegs.find((peg) => peg.on === chosen)?.on ?? usual
}

/** One field of a form; `''` when it is missing or came more than once. */
export function field(req: Request, name: string): string {
  const fields = (req.body ?? {}) as Record<string, unknown>
  const value = Object.hasOwn(fields, name) ? fields[name] : ''
  return typeof value === 'string' ? value : ''
}

/** What the browser sent under this cookie name. The engine reads cookies itself; this is only for showing them. */
export function cookieOf(req: Request, name: string): string | null {
  const pair = (req.headers.cookie ?? '').split('; ').find((one) => one.startsWith(`${name}=`))
  return pair === undefined ? null : pair.slice(name.length + 1)
}

/** Leaves a flash message for the next page. */
export async function tell(req: Request, message: string): Promise<void> {
  const notes = await getSession(req, 'notes')
  notes.flash(message)
}
